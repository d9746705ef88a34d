using System.Globalization;
using System.Text.Json;

namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>
/// The rules of a schema's grammar: one for each set of schemas that hold together somewhere. Who needs one gets a reference, and it is written later, so
/// that schemas may stand as deep in each other as they like, and in themselves.
/// </summary>
internal sealed class SchemaRules(SchemaDocument document)
{
    /// <summary>Rules of a grammar at most.</summary>
    public const int MostRules = 50_000;

    private readonly Dictionary<string, GrammarExpression> _rules = JsonGrammar.Rules();
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, GrammarException> _contradictions = new(StringComparer.Ordinal);
    private readonly Queue<(string Name, IReadOnlyList<SchemaPlace> Schemas)> _open = [];

    /// <summary>The grammar of the whole schema.</summary>
    /// <exception cref="GrammarException">It can't be held, or allows nothing.</exception>
    public static GrammarDefinition Of(SchemaDocument document)
    {
        var rules = new SchemaRules(document);
        var root = ((GrammarReference)rules.Of([document.Root])).Name;
        while (rules._open.TryDequeue(out var next))
            rules.Write(next.Name, next.Schemas);
        document.CheckExclusive();
        var definition = new GrammarDefinition(root, rules._rules);
        var finite = UnusedRules.Finite(definition);
        if (!finite.Contains(root))
        {
            throw UnusedRules.Endless(definition, finite).Select(rule => rules._contradictions.GetValueOrDefault(rule)).FirstOrDefault(reason => reason is not null)
                ?? document.Root.Fault("it allows no value that ends: each holds another one of its kind; make a property optional, or allow an empty array");
        }
        return UnusedRules.Remove(definition, finite);
    }

    /// <summary>What satisfies all of some schemas.</summary>
    public GrammarExpression Of(IReadOnlyList<SchemaPlace> schemas)
    {
        SchemaPlace[] parts = [.. schemas.Where(schema => !schema.IsTrue).DistinctBy(schema => schema.Key)];
        if (parts.Length == 0)
            return GrammarExpression.Rule(JsonGrammar.ValueRule);
        if (parts.Length > SchemaDocument.MostParts)
            throw parts[0].Fault($"more than {SchemaDocument.MostParts} schemas have to hold together");
        var key = string.Join(" and ", parts.Select(part => part.Key));
        if (!_names.TryGetValue(key, out var name))
        {
            _names[key] = name = Next(parts[0].Pointer);
            // Its place among the rules.
            _rules[name] = GrammarExpression.Empty;
            _open.Enqueue((name, parts));
        }
        return GrammarExpression.Rule(name);
    }

    /// <summary>All values that satisfy some schemas, as they are written, or null where they can't be listed.</summary>
    public IReadOnlyList<JsonElement>? Values(IReadOnlyList<SchemaPlace> schemas) => SchemaValues.All(document.Variants(schemas));

    /// <summary>A rule of its own.</summary>
    public GrammarExpression Add(GrammarExpression expression)
    {
        var name = Next("part");
        _rules[name] = expression;
        return GrammarExpression.Rule(name);
    }

    /// <summary>A rule that is said later, by <see cref="Define"/>: one that stands in itself.</summary>
    public GrammarReference Reserve() => (GrammarReference)Add(GrammarExpression.Empty);

    /// <summary>Says what a rule is.</summary>
    public void Define(GrammarReference rule, GrammarExpression expression) => _rules[rule.Name] = expression;

    /// <summary>Rules of its own for a set of texts.</summary>
    public GrammarExpression Add(CharacterAutomaton automaton, Func<IReadOnlyList<CharacterRange>, GrammarExpression> spell)
    {
        var before = _rules.Count;
        var spelled = new Dictionary<string, GrammarExpression>(StringComparer.Ordinal);
        var first = automaton.AddTo(_rules, Next("texts"), Shared);
        return _rules.Count <= MostRules ? first : throw document.Root.Fault($"it makes more than {MostRules} rules ({_rules.Count - before} for one pattern or number); make it simpler");

        // Large sets stand at many places.
        GrammarExpression Shared(IReadOnlyList<CharacterRange> ranges) => ranges.Count == 1 && ranges[0] != CharacterRange.All ? spell(ranges) : Known(ranges);

        GrammarExpression Known(IReadOnlyList<CharacterRange> ranges)
        {
            var key = string.Join(',', ranges);
            return spelled.TryGetValue(key, out var known) ? known : spelled[key] = Add(spell(ranges));
        }
    }

    /// <summary>A rule that several places share.</summary>
    public GrammarExpression Shared(string name, Func<GrammarExpression> expression)
    {
        if (!_rules.ContainsKey(name))
            _rules[name] = expression();
        return GrammarExpression.Rule(name);
    }

    /// <summary>Says why something allows nothing.</summary>
    /// <returns>Null, for who has nothing to say then.</returns>
    public GrammarExpression? Contradict(SchemaPlace place, string what)
    {
        document.Contradict(place, what);
        return null;
    }

    private string Next(string name) => _rules.Count < MostRules
        ? string.Create(CultureInfo.InvariantCulture, $"{name} {_rules.Count}")
        : throw document.Root.Fault($"it makes more than {MostRules} rules; make it smaller");

    private void Write(string name, IReadOnlyList<SchemaPlace> schemas)
    {
        document.Contradiction = null;
        GrammarExpression[] alternatives = [.. document.Variants(schemas).SelectMany(Alternatives).Distinct()];
        _rules[name] = GrammarExpression.Choice(alternatives);
        if (alternatives.Length == 0)
            _contradictions[name] = document.Contradiction ?? schemas[0].Fault("no value satisfies it");
    }

    // One for each type.
    private IEnumerable<GrammarExpression> Alternatives(IReadOnlyList<SchemaPlace> parts)
    {
        if (parts.Count == 0)
            return [GrammarExpression.Rule(JsonGrammar.ValueRule)];
        var types = JsonTypesReader.Of(parts);
        if (types == JsonTypes.None)
            Contradict(parts[^1], "no type is allowed by all schemas that hold here");
        if (SchemaValues.Of(parts) is { } values)
            return Values(parts, values, types);
        if (types == JsonTypes.All && parts.All(part => part.Claim == SchemaClaim.Holds) && !JsonTypesReader.Keywords.Keys.Any(keyword => parts.Any(part => part.Has(keyword, out _))))
            return [GrammarExpression.Rule(JsonGrammar.ValueRule)];
        var isInteger = (types & JsonTypes.OtherNumber) == 0;
        return new[]
        {
            Typed(JsonTypes.Object, () => SchemaObjects.Of(parts, this), "minProperties is above maxProperties"),
            Typed(JsonTypes.Array, () => SchemaArrays.Of(parts, this), "minItems is above maxItems"),
            Typed(JsonTypes.String, () => SchemaStrings.Of(parts, this), "no text has all of minLength, maxLength, pattern and format"),
            Typed(JsonTypes.Number, () => SchemaNumbers.Of(parts, isInteger, this), $"no {(isInteger ? "integer" : "number")} is between the bounds and a multiple"),
            Typed(JsonTypes.Boolean, () => Words("true", "false"), "neither true nor false is allowed"),
            Typed(JsonTypes.Null, () => Words("null"), "null is not allowed"),
        }.OfType<GrammarExpression>();

        GrammarExpression? Words(params IEnumerable<string> words)
        {
            var denied = SchemaValues.Denied(parts).Select(value => value.Element.GetRawText()).ToHashSet(StringComparer.Ordinal);
            GrammarExpression[] allowed = [.. words.Where(word => !denied.Contains(word)).Select(GrammarExpression.Text)];
            return allowed.Length == 0 ? null : GrammarExpression.Choice(allowed);
        }

        GrammarExpression? Typed(JsonTypes type, Func<GrammarExpression?> write, string otherwise)
        {
            if ((types & type) == 0)
                return null;
            var before = document.Contradiction;
            try
            {
                return write() ?? (document.Contradiction == before ? Contradict(parts[0], otherwise) : null);
            }
            catch (GrammarException e) when (!e.Message.StartsWith("the schema", StringComparison.Ordinal))
            {
                throw parts[0].Fault(e.Message);
            }
        }
    }

    private IEnumerable<GrammarExpression> Values(IReadOnlyList<SchemaPlace> parts, IReadOnlyList<JsonElement> values, JsonTypes types)
    {
        var kept = values.Where(value => (JsonTypesReader.Of(value) & types) != 0 && SchemaValues.MayBe(value, parts)).ToList();
        foreach (var value in kept)
            if (SchemaValues.AboutParts(value, parts) is { } about)
                throw about.Fault("it says something about an object or an array that 'enum' or 'const' lists, which is not supported; leave it out");
        if (kept.Count == 0)
            Contradict(parts[0], "no value of 'enum' or 'const' satisfies all schemas that hold here");
        return kept.Select(JsonSpelling.Value);
    }
}
