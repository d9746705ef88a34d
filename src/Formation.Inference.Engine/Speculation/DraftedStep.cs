using Formation.Inference.Engine.Speculation.Planning;

namespace Formation.Inference.Engine.Speculation;

/// <summary>What the speculator notes of a step until its samples are there.</summary>
internal sealed class DraftedStep
{
    /// <summary>Whose guesses each slice has, null for none; empty where nobody was asked.</summary>
    public List<DrafterRecord?> DrafterOfSlice { get; } = [];

    /// <summary>Whether the step's time says something of decoding.</summary>
    public bool IsMeasured { get; set; }

    /// <summary>The clock's timestamp when the step began.</summary>
    public long StartedAt { get; set; }
}
