using System.Text.Json;

namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>A schema, or a part of one, and where it stands.</summary>
/// <param name="Pointer">A JSON pointer from the whole schema, as a fragment: <c>#/properties/name</c>.</param>
/// <param name="Element">What stands there.</param>
internal readonly record struct SchemaPlace(string Pointer, JsonElement Element)
{
    /// <summary>Counts that a schema gives at most; above it, a greatest count is this one, and a least one is refused.</summary>
    public const int MostCount = 20_000;

    /// <summary>What it says of a value.</summary>
    public SchemaClaim Claim { get; init; }

    /// <summary>The keyword that fails, or the property that is missing or there.</summary>
    public string? About { get; init; }

    /// <summary>Types that a value can't have, beside what the claim says.</summary>
    public JsonTypes Without { get; init; }

    /// <summary>What tells it from others: who says the same has the same.</summary>
    public string Key => Claim == SchemaClaim.Holds ? Pointer : $"{Claim} {(int)Without} {About} {Pointer}";

    /// <summary>Whether any value satisfies it.</summary>
    public bool IsTrue => Element.ValueKind == (Claim == SchemaClaim.Fails ? JsonValueKind.False : JsonValueKind.True) && Claim is SchemaClaim.Holds or SchemaClaim.Fails;

    /// <summary>Whether no value does.</summary>
    public bool IsFalse => Element.ValueKind == (Claim == SchemaClaim.Fails ? JsonValueKind.True : JsonValueKind.False) && Claim is SchemaClaim.Holds or SchemaClaim.Fails;

    /// <summary>Whether it is an object, and not one of the schemas <c>true</c> and <c>false</c>.</summary>
    public bool HasKeywords => Element.ValueKind == JsonValueKind.Object;

    /// <summary>What a keyword says; nothing where the schema is not to be satisfied.</summary>
    public bool Has(string keyword, out SchemaPlace value)
    {
        value = default;
        if (Claim != SchemaClaim.Holds)
            return false;
        if (!HasKeywords)
            throw Fault("has to be an object");
        var has = Element.TryGetProperty(keyword, out var element);
        value = has ? At(keyword, element) : default;
        return has;
    }

    /// <summary>What a keyword says that must not be satisfied.</summary>
    public bool Denies(string keyword, out SchemaPlace value)
    {
        var denies = Claim == SchemaClaim.FailsKeyword && About == keyword;
        value = denies ? new SchemaPlace(Pointer, Element) : default;
        return denies;
    }

    /// <summary>The schema, as one that is not to be satisfied.</summary>
    public SchemaPlace Denied() => new(Pointer, Element) { Claim = SchemaClaim.Fails };

    /// <summary>The schema, as one that is to be satisfied.</summary>
    public SchemaPlace Held() => new(Pointer, Element);

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
