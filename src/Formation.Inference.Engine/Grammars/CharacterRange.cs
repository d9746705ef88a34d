namespace Formation.Inference.Engine.Grammars;

/// <summary>Unicode scalar values from one to another, both included. Surrogates in it count for nothing.</summary>
/// <param name="First">From 0.</param>
/// <param name="Last">To 0x10FFFF.</param>
public readonly record struct CharacterRange(int First, int Last)
{
    /// <summary>The greatest scalar value.</summary>
    public const int Greatest = 0x10FFFF;

    /// <summary>All characters.</summary>
    public static CharacterRange All { get; } = new(0, Greatest);

    /// <summary>One character.</summary>
    public static CharacterRange Of(int character) => new(character, character);

    /// <summary>The same characters as ranges in order that neither overlap nor touch.</summary>
    public static IReadOnlyList<CharacterRange> Normalize(IEnumerable<CharacterRange> ranges)
    {
        var merged = new List<CharacterRange>();
        foreach (var range in ranges.Where(range => range.First <= range.Last).OrderBy(range => range.First))
        {
            ArgumentOutOfRangeException.ThrowIfNegative(range.First);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(range.Last, Greatest);
            if (merged.Count > 0 && range.First <= merged[^1].Last + 1)
                merged[^1] = new CharacterRange(merged[^1].First, Math.Max(merged[^1].Last, range.Last));
            else
                merged.Add(range);
        }
        return merged;
    }

    /// <summary>All characters that are in none of these.</summary>
    public static IReadOnlyList<CharacterRange> Complement(IEnumerable<CharacterRange> ranges)
    {
        var rest = new List<CharacterRange>();
        var next = 0;
        foreach (var range in Normalize(ranges))
        {
            if (range.First > next)
                rest.Add(new CharacterRange(next, range.First - 1));
            next = range.Last + 1;
        }
        if (next <= Greatest)
            rest.Add(new CharacterRange(next, Greatest));
        return rest;
    }
}
