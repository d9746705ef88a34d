using System.Text.Json;

namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>
/// A whole schema: finds what references name, and opens what stands behind <c>$ref</c>, <c>allOf</c>, <c>anyOf</c>, <c>oneOf</c>,
/// <c>not</c>, <c>if</c> and dependent properties as a choice of variants, each a list of schemas that hold together and of which only the other keywords count any more.
/// </summary>
internal sealed class SchemaDocument(JsonElement root, CancellationToken cancellationToken)
{
    /// <summary>Variants of one schema at most.</summary>
    public const int MostVariants = 512;

    /// <summary>Schemas of one variant at most.</summary>
    public const int MostParts = 256;

    // How often a schema may be opened in another one before a property or an item stands between them.
    private const int MostDepth = 64;

    // Schemas that are looked at, each as often as it is.
    private const int MostWork = 200_000;

    // Schemas of combinations that are looked at for conflicts.
    private const int MostCompared = 500_000;

    private static readonly string[] Refused = ["$dynamicRef", "$recursiveRef", "extends", "disallow"];

    private readonly Dictionary<string, IReadOnlyList<IReadOnlyList<SchemaPlace>>> _known = new(StringComparer.Ordinal);
    private readonly HashSet<string> _open = new(StringComparer.Ordinal);
    private readonly List<(SchemaPlace Place, List<IReadOnlyList<IReadOnlyList<SchemaPlace>>> Alternatives)> _exclusive = [];
    private readonly SchemaConflicts _conflicts = new();
    private SchemaReferences? _references;
    private bool _isConditional;
    private int _work, _compared;

    /// <summary>One way that says nothing.</summary>
    public static IReadOnlyList<IReadOnlyList<SchemaPlace>> Any { get; } = [[]];

    /// <summary>The whole schema.</summary>
    public SchemaPlace Root { get; } = new("#", root);

    /// <summary>The last reason why some schema allows nothing.</summary>
    public GrammarException? Contradiction { get; set; }

    /// <summary>Says why something allows nothing.</summary>
    public void Contradict(SchemaPlace place, string what) => Contradiction = place.Fault(what);

    /// <summary>The ways to satisfy all of some schemas; none where that can't be.</summary>
    /// <exception cref="GrammarException">A keyword is not supported, or there are too many ways.</exception>
    public IReadOnlyList<IReadOnlyList<SchemaPlace>> Variants(IEnumerable<SchemaPlace> schemas) =>
        schemas.Aggregate(Any, (variants, schema) => Product(schema, variants, Open(schema)));

    /// <summary>The ways to satisfy a schema, or not to satisfy it where that is wanted.</summary>
    /// <inheritdoc cref="Variants"/>
    public IReadOnlyList<IReadOnlyList<SchemaPlace>> Open(SchemaPlace schema)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_known.TryGetValue(schema.Key, out var known))
            return known;
        if (schema.IsTrue)
            return Any;
        if (schema.IsFalse)
        {
            Contradict(schema, schema.Claim == SchemaClaim.Holds ? "'false' allows nothing" : "'not' of 'true' allows nothing");
            return [];
        }
        if (!schema.HasKeywords)
            throw schema.Fault("a schema has to be an object, true or false");
        if (++_work > MostWork)
            throw schema.Fault("the schema is too large");
        if (_open.Count >= MostDepth)
            throw schema.Fault($"references and allOf, anyOf, oneOf, not or if stand more than {MostDepth} deep in each other");
        if (!_open.Add(schema.Key))
            throw schema.Fault("it refers to itself without a property or an item in between, so it says nothing");
        _isConditional |= schema.Claim == SchemaClaim.Fails;
        var variants = schema.Claim == SchemaClaim.Fails ? new SchemaDenial(this).Of(schema.Held()) : Held(schema);
        _open.Remove(schema.Key);
        return _known[schema.Key] = variants;
    }

    private IReadOnlyList<IReadOnlyList<SchemaPlace>> Held(SchemaPlace schema)
    {
        CheckKeywords(schema);
        IReadOnlyList<IReadOnlyList<SchemaPlace>> variants = [[schema]];
        if (schema.Has("$ref", out var reference))
            variants = Product(schema, variants, Open(Resolve(reference)));
        if (schema.Has("allOf", out var all))
            foreach (var part in all.Items())
                variants = Product(schema, variants, Open(part));
        if (schema.Has("anyOf", out var any))
            variants = Product(schema, variants, [.. any.Items().SelectMany(Open)]);
        if (schema.Has("oneOf", out var one))
            variants = Product(schema, variants, Exclusive(schema, one));
        if (schema.Has("not", out var not))
            variants = Product(schema, variants, Open(not.Denied()));
        if (schema.Has("if", out var condition) && (schema.Has("then", out _) || schema.Has("else", out _)))
            variants = Product(schema, variants, [.. Both(condition, "then"), .. Both(condition.Denied(), "else")]);
        foreach (var keyword in (string[])["dependentRequired", "dependentSchemas", "dependencies"])
            if (schema.Has(keyword, out var dependent))
                foreach (var (name, wanted) in dependent.Members())
                    variants = Product(schema, variants, Dependent(name, wanted));
        return variants;

        IReadOnlyList<IReadOnlyList<SchemaPlace>> Both(SchemaPlace condition, string keyword) =>
            schema.Has(keyword, out var consequence) ? Product(schema, Open(condition), Open(consequence)) : Open(condition);
    }

    // Where a property is, others have to be or a schema has to hold: one way is that it is not.
    private IReadOnlyList<IReadOnlyList<SchemaPlace>> Dependent(string name, SchemaPlace wanted)
    {
        _isConditional = true;
        var isList = wanted.Element.ValueKind == JsonValueKind.Array;
        if (wanted.IsTrue || (isList && wanted.Element.GetArrayLength() == 0))
            return Any;
        return [[wanted with { Claim = SchemaClaim.Lacks, About = name }], .. isList ? [[wanted with { Claim = SchemaClaim.Has }]] : Open(wanted)];
    }

    // One of several and no other is the same as any of them where no value can be two of them, which is seen to when all schemas are known.
    private IReadOnlyList<IReadOnlyList<SchemaPlace>> Exclusive(SchemaPlace schema, SchemaPlace one)
    {
        var alternatives = one.Items().Select(Open).ToList();
        // What stands beside it holds for each of them, and may tell them apart.
        _exclusive.Add((one, [.. alternatives.Select(variants => (IReadOnlyList<IReadOnlyList<SchemaPlace>>)[.. variants.Select(variant => (IReadOnlyList<SchemaPlace>)[schema, .. variant])])]));
        return [.. alternatives.SelectMany(variants => variants)];
    }

    /// <exception cref="GrammarException">A value could be two alternatives of a <c>oneOf</c> at once.</exception>
    public void CheckExclusive()
    {
        var overlap = new SchemaOverlap(this);
        // The check may open more.
        for (var next = 0; next < _exclusive.Count; next++)
        {
            var (one, alternatives) = _exclusive[next];
            for (var i = 0; i < alternatives.Count; i++)
                for (var j = 0; j < i; j++)
                    if (overlap.MayBe(one, alternatives[j], alternatives[i]))
                        throw one.Fault(
                            $"a value could be the alternatives {j} and {i} at once, which 'oneOf' forbids and a grammar can't see; use 'anyOf', or require a property in each that has a 'const' of its own");
        }
    }

    /// <summary>Each of some ways with each of others.</summary>
    /// <exception cref="GrammarException">There are too many of them.</exception>
    public IReadOnlyList<IReadOnlyList<SchemaPlace>> Product(
        SchemaPlace schema, IReadOnlyList<IReadOnlyList<SchemaPlace>> some, IReadOnlyList<IReadOnlyList<SchemaPlace>> others)
    {
        if ((_work += some.Count * others.Count) > MostWork || some.Count * others.Count > MostVariants)
            throw schema.Fault($"anyOf, oneOf, allOf, not, if and dependent properties together make more than {MostVariants} alternatives; use fewer");
        var isBranching = _isConditional && some.Count * others.Count > 1;
        var product = new List<IReadOnlyList<SchemaPlace>>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var one in some)
        {
            foreach (var other in others)
            {
                IReadOnlyList<SchemaPlace> both = other.Count == 0 ? one : [.. one.Concat(other).DistinctBy(part => part.Key)];
                if (both.Count > MostParts)
                    throw schema.Fault($"more than {MostParts} schemas have to hold together");
                if (seen.Add(string.Join('\n', both.Select(part => part.Key))) && !(isBranching && IsConflict(schema, both)))
                    product.Add(both);
            }
        }
        return product;
    }

    private bool IsConflict(SchemaPlace schema, IReadOnlyList<SchemaPlace> parts)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if ((_compared += parts.Count) > MostCompared)
            throw schema.Fault("its conditions have too many combinations; use fewer");
        if (!_conflicts.Any(parts))
            return false;
        Contradict(schema, "no value satisfies all schemas and conditions that hold here");
        return true;
    }

    /// <exception cref="GrammarException">A keyword is one that no grammar can hold.</exception>
    public static void CheckKeywords(SchemaPlace schema)
    {
        foreach (var keyword in Refused)
            if (schema.Has(keyword, out var value))
                throw value.Fault($"'{keyword}' is not supported: a grammar can't hold it; leave it out, or check for it afterwards");
    }

    /// <inheritdoc cref="SchemaReferences.Resolve"/>
    public SchemaPlace Resolve(SchemaPlace reference) => (_references ??= new SchemaReferences(Root)).Resolve(reference);
}
