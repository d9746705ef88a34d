namespace Formation.Inference.Cluster.Workers;

/// <summary>The id of a worker: it is told to other nodes and names files, so it is nothing but digits.</summary>
public static class WorkerId
{
    public const int Length = 32;

    /// <summary>A new one.</summary>
    public static string New() => Guid.NewGuid().ToString("n");

    /// <summary>Whether it is 32 lower-case hexadecimal digits.</summary>
    public static bool IsValid(string text) => text.Length == Length && text.All(char.IsAsciiHexDigitLower);
}
