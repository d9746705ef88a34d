namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>How many characters, items or properties a value may have.</summary>
/// <param name="Least">From 0.</param>
/// <param name="Most">Null for any number.</param>
internal readonly record struct Counts(int Least, int? Most)
{
    public bool IsEmpty => Most < Least;

    /// <summary>Whether any number may be.</summary>
    public bool IsAny => Least == 0 && Most is null;

    /// <summary>What all of some schemas allow.</summary>
    public static Counts Of(IReadOnlyList<SchemaPlace> parts, string least, string most)
    {
        var counts = new Counts(0, null);
        foreach (var part in parts)
        {
            if (part.Has(least, out var place))
                counts = counts with { Least = Math.Max(counts.Least, place.Count(isMost: false)) };
            if (part.Has(most, out place))
                counts = counts with { Most = Math.Min(counts.Most ?? int.MaxValue, place.Count(isMost: true)) };
            if (part.Denies(least, out place))
                counts = counts with { Most = Math.Min(counts.Most ?? int.MaxValue, place.Count(isMost: true) - 1) };
            if (part.Denies(most, out place))
                counts = counts with { Least = Math.Max(counts.Least, place.Count(isMost: false) + 1) };
        }
        return counts;
    }
}
