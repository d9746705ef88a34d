using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Cluster.Nodes.Storage;

/// <summary>Pins as they are stored.</summary>
static class StoredPin
{
    /// <exception cref="InvalidDataException">The text is none.</exception>
    public static KeyPin Read(string text) =>
        KeyPin.TryParse(text, out var pin) ? pin : throw new InvalidDataException("A pin in the database is damaged; restore the database from a copy.");
}
