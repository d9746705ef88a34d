namespace Formation.Inference.Engine.Models;

/// <summary>Consecutive rows or columns of a weight.</summary>
/// <param name="First">The first of them.</param>
/// <param name="Count">How many.</param>
/// <param name="Of">How many the weight has.</param>
internal readonly record struct Extent(int First, int Count, int Of)
{
    /// <summary>All of them.</summary>
    public static Extent All(int of) => new(0, of, of);

    public bool IsAll => Count == Of;
}
