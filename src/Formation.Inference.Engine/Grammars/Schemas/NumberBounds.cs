using System.Numerics;
using System.Text.Json;

namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>Between which numbers a value has to be, and what it has to be a multiple of.</summary>
internal sealed class NumberBounds
{
    public NumberBounds(IReadOnlyList<SchemaPlace> parts)
    {
        foreach (var part in parts)
        {
            Add(part, "minimum", "exclusiveMinimum", -1);
            Add(part, "maximum", "exclusiveMaximum", 1);
            foreach (var (keyword, sign) in (ReadOnlySpan<(string, int)>)[("minimum", 1), ("exclusiveMinimum", 1), ("maximum", -1), ("exclusiveMaximum", -1)])
                if (part.Denies(keyword, out var denied))
                    Tighten(denied.Number(), keyword is "minimum" or "maximum", sign);
            if (part.Has("multipleOf", out var multiple))
                Multiples.Add(multiple.Number() is { Digits.Sign: > 0 } number ? number : throw multiple.Fault("has to be above 0"));
            if (part.Has("format", out var format) && format.Text() == "int32")
            {
                Raise(new ExactNumber(int.MinValue, 0), false);
                Lower(new ExactNumber(int.MaxValue, 0), false);
            }
        }
        foreach (var value in SchemaValues.Denied(parts))
            if (value.Element.ValueKind == JsonValueKind.Number)
                Excluded.Add(value.Number());
    }

    public ExactNumber? Least { get; private set; }

    public bool IsLeastExcluded { get; private set; }

    public ExactNumber? Most { get; private set; }

    public bool IsMostExcluded { get; private set; }

    /// <summary>The least integer between the bounds, or null where there is none below.</summary>
    public BigInteger? LeastInteger => Least is { } least ? IsLeastExcluded ? least.Floor + 1 : least.Ceiling : null;

    /// <summary>The greatest integer between the bounds, or null where there is none above.</summary>
    public BigInteger? MostInteger => Most is { } most ? IsMostExcluded ? most.Ceiling - 1 : most.Floor : null;

    public List<ExactNumber> Multiples { get; } = [];

    /// <summary>Single numbers that it must not be.</summary>
    public List<ExactNumber> Excluded { get; } = [];

    /// <summary>Whether it says nothing.</summary>
    public bool IsAny => Least is null && Most is null && Multiples.Count == 0 && Excluded.Count == 0;

    /// <summary>Whether no number is between the bounds.</summary>
    public bool IsEmpty(bool isInteger)
    {
        if (Least is not { } least || Most is not { } most)
            return false;
        if (least > most || (least.CompareTo(most) == 0 && (IsLeastExcluded || IsMostExcluded)))
            return true;
        return isInteger && LeastInteger > MostInteger;
    }

    /// <summary>Whether a number satisfies it.</summary>
    public bool Takes(ExactNumber number) =>
        !(Least is { } least && (number < least || (IsLeastExcluded && number.CompareTo(least) == 0)))
        && !(Most is { } most && (number > most || (IsMostExcluded && number.CompareTo(most) == 0)))
        && Multiples.All(number.IsMultipleOf);

    private void Add(SchemaPlace part, string bound, string excluded, int sign)
    {
        // In draft 4 the second was a word on the first.
        var isExcluded = part.Has(excluded, out var exclusive) && exclusive.Element.ValueKind == JsonValueKind.True;
        if (part.Has(bound, out var inclusive))
            Tighten(inclusive.Number(), isExcluded, sign);
        if (exclusive.Element.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.True or JsonValueKind.False))
            Tighten(exclusive.Number(), true, sign);
    }

    private void Tighten(ExactNumber bound, bool isExcluded, int sign)
    {
        if (sign < 0)
            Raise(bound, isExcluded);
        else
            Lower(bound, isExcluded);
    }

    private void Raise(ExactNumber bound, bool isExcluded)
    {
        if (Least is { } least && least > bound)
            return;
        (Least, IsLeastExcluded) = (bound, isExcluded || (IsLeastExcluded && Least?.CompareTo(bound) == 0));
    }

    private void Lower(ExactNumber bound, bool isExcluded)
    {
        if (Most is { } most && most < bound)
            return;
        (Most, IsMostExcluded) = (bound, isExcluded || (IsMostExcluded && Most?.CompareTo(bound) == 0));
    }
}
