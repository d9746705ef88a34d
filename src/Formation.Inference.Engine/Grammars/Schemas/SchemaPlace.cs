using System.Text.Json;

namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>A schema, or a part of one, and where it stands.</summary>
/// <param name="Pointer">A JSON pointer from the whole schema, as a fragment: <c>#/properties/name</c>.</param>
/// <param name="Element">What stands there.</param>
internal readonly record struct SchemaPlace(string Pointer, JsonElement Element)
{
    /// <summary>Counts that a schema gives at most; above it, a greatest count is this one, and a least one is refused.</summary>
    public const int MostCount = 20_000;

    /// <summary>Whether it is an object, and not one of the schemas <c>true</c> and <c>false</c>.</summary>
    public bool HasKeywords => Element.ValueKind == JsonValueKind.Object;

    /// <summary>What a keyword says.</summary>
    public bool Has(string keyword, out SchemaPlace value)
    {
        if (!HasKeywords)
            throw Fault("has to be an object");
        var has = Element.TryGetProperty(keyword, out var element);
        value = has ? At(keyword, element) : default;
        return has;
    }

    /// <summary>A part of it.</summary>
    public SchemaPlace At(string name, JsonElement element) =>
        new($"{Pointer}/{name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}", element);

    /// <summary>The parts of a list.</summary>
    public IEnumerable<SchemaPlace> Items()
    {
        if (Element.ValueKind != JsonValueKind.Array)
            throw Fault("has to be a list");
        var index = 0;
        foreach (var item in Element.EnumerateArray())
            yield return new SchemaPlace($"{Pointer}/{index++}", item);
    }

    /// <summary>The parts of an object, in their order; of those with the same name the last.</summary>
    public IEnumerable<(string Name, SchemaPlace Place)> Members()
    {
        if (Element.ValueKind != JsonValueKind.Object)
            throw Fault("has to be an object");
        foreach (var member in Element.EnumerateObject())
            yield return (member.Name, At(member.Name, member.Value));
    }

    /// <summary>The text that stands here.</summary>
    public string Text() => Element.ValueKind == JsonValueKind.String ? Element.GetString()! : throw Fault("has to be a text");

    /// <summary>The number that stands here.</summary>
    public ExactNumber Number() => Element.ValueKind != JsonValueKind.Number
        ? throw Fault("has to be a number")
        : ExactNumber.TryRead(Element, out var number) ? number : throw Fault($"has more than {ExactNumber.MostDigits} digits before or behind the point; use fewer");

    /// <summary>The count that stands here, cut to <see cref="MostCount"/> where it is the most that may be.</summary>
    public int Count(bool isMost)
    {
        var number = Number();
        if (!number.IsInteger || number.Digits < 0)
            throw Fault("has to be an integer from 0");
        return number.Digits <= MostCount ? (int)number.Digits : isMost ? MostCount : throw Fault($"can't be above {MostCount}");
    }

    /// <summary>An error that says where it is.</summary>
    public GrammarException Fault(string what) => new($"the schema can't be used: at '{Pointer}': {what}");
}
