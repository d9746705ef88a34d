using System.Text.Json;
using static Formation.Inference.Engine.Grammars.GrammarExpression;

namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>The names of an object's properties that are not listed one by one: <c>patternProperties</c>, <c>additionalProperties</c> and <c>propertyNames</c>.</summary>
internal sealed class SchemaNames
{
    /// <summary>Patterns of one object at most: their names are told apart by each set of them.</summary>
    public const int MostPatterns = 6;

    private readonly IReadOnlyList<SchemaPlace> _parts;
    private readonly IReadOnlyList<string> _listed;
    private readonly List<(SchemaPlace Part, SchemaPlace Value, CharacterAutomaton Names)> _patterns = [];
    private readonly CharacterAutomaton? _allowed;
    private readonly bool _isOpen;

    /// <param name="parts">The schemas of the object.</param>
    /// <param name="listed">Names that are listed, which others can't have.</param>
    public SchemaNames(IReadOnlyList<SchemaPlace> parts, IReadOnlyList<string> listed)
    {
        (_parts, _listed) = (parts, listed);
        foreach (var part in parts)
        {
            if (part.Has("patternProperties", out var patterns))
                _patterns.AddRange(patterns.Members().Select(pattern => (part, pattern.Place, Automaton(pattern.Place, pattern.Name))));
            if (part.Has("propertyNames", out var names))
                _allowed = Allowed(names) is { } allowed ? _allowed?.Intersect(allowed) ?? allowed : _allowed;
            if (part.Has("unevaluatedProperties", out var unevaluated) && unevaluated.Element.ValueKind is not (JsonValueKind.False or JsonValueKind.True))
                throw unevaluated.Fault("only 'true' and 'false' are supported; use 'additionalProperties'");
        }
        if (_patterns.Count > MostPatterns)
            throw parts[0].Fault($"an object has {_patterns.Count} patterns of names; {MostPatterns} are allowed");
        var isClosed = parts.Any(part => part.Has("unevaluatedProperties", out var unevaluated) && unevaluated.Element.ValueKind == JsonValueKind.False);
        _isOpen = parts.Any(part => part.Has("additionalProperties", out _))
            || (!isClosed && !parts.Any(part => part.Has("properties", out _) || part.Has("patternProperties", out _)));
    }

    /// <summary>Whether there are none.</summary>
    public bool IsEmpty => !_isOpen && _patterns.Count == 0;

    /// <summary>Whether a listed name satisfies <c>propertyNames</c>.</summary>
    public bool MayBe(string name) => _allowed?.Takes(name) ?? true;

    /// <summary>The names that a pattern matches.</summary>
    public static CharacterAutomaton Automaton(SchemaPlace place, string pattern) => SchemaStrings.Pattern(place, pattern).Automaton;

    /// <summary>A name with its value.</summary>
    /// <returns>Null where there is none.</returns>
    public GrammarExpression? Pairs(SchemaRules rules)
    {
        var pairs = new List<GrammarExpression>();
        for (var set = 0; set < 1 << _patterns.Count; set++)
        {
            if ((set == 0 && !_isOpen) || Values(set) is not { } values)
                continue;
            var key = Names(set) is { } names ? SchemaStrings.Of(names, rules) : Rule(JsonGrammar.StringRule);
            if (key is not null)
                pairs.Add(Sequence(key, Text(":"), JsonGrammar.Space, rules.Of(values)));
        }
        return pairs.Count == 0 ? null : rules.Add(Choice([.. pairs]));
    }

    // What the values of names have to satisfy that exactly the patterns of a set match, or null where some schema allows none.
    private List<SchemaPlace>? Values(int set)
    {
        var values = new List<SchemaPlace>();
        foreach (var part in _parts)
        {
            var own = Enumerable.Range(0, _patterns.Count).Where(index => (set >> index & 1) != 0 && _patterns[index].Part.Pointer == part.Pointer).Select(index => _patterns[index].Value).ToList();
            values.AddRange(own);
            if (own.Count == 0 && part.Has("additionalProperties", out var additional))
                values.Add(additional);
        }
        return values.Any(value => value.IsFalse) ? null : values;
    }

    // Null for any name.
    private CharacterAutomaton? Names(int set)
    {
        var names = _allowed;
        if (_listed.Count > 0)
            Meet(CharacterAutomaton.Of(Choice([.. _listed.Select(Text)])).Complement());
        for (var index = 0; index < _patterns.Count; index++)
            Meet((set >> index & 1) != 0 ? _patterns[index].Names : _patterns[index].Names.Complement());
        return names?.Minimize();

        void Meet(CharacterAutomaton others) => names = names?.Intersect(others) ?? others;
    }

    // Null for any name.
    private static CharacterAutomaton? Allowed(SchemaPlace names)
    {
        if (names.Element.ValueKind == JsonValueKind.True)
            return null;
        if (!names.HasKeywords)
            throw names.Fault("has to be an object or true");
        foreach (var (keyword, place) in names.Members())
            if (keyword is "$ref" or "allOf" or "anyOf" or "oneOf" or "not" or "if")
                throw place.Fault($"'{keyword}' is not supported in 'propertyNames'; use pattern, format, enum, const, minLength or maxLength");
        SchemaPlace[] parts = [names];
        var languages = SchemaStrings.Languages(parts).ToList();
        if (SchemaValues.Of(parts) is { } values)
            languages.Add(new TextLanguage(Choice([.. values.Where(value => value.ValueKind == JsonValueKind.String).Select(value => Text(value.GetString()!))])));
        var counts = Counts.Of(parts, "minLength", "maxLength");
        return languages.Count == 0 && counts.IsAny ? null : SchemaStrings.Automaton(languages, counts);
    }
}
