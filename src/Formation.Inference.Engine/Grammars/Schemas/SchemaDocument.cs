using System.Globalization;
using System.Text.Json;

namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>
/// A whole schema: finds what references name, and opens what stands behind <c>$ref</c>, <c>allOf</c>, <c>anyOf</c> and <c>oneOf</c> as a choice of
/// variants, each a list of schemas that hold together and of which only the other keywords count any more.
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

    private static readonly string[] Refused =
    [
        "not", "if", "dependentSchemas", "dependentRequired", "dependencies", "contains", "$dynamicRef", "$recursiveRef", "extends", "disallow",
    ];

    private readonly Dictionary<string, IReadOnlyList<IReadOnlyList<SchemaPlace>>> _known = new(StringComparer.Ordinal);
    private readonly HashSet<string> _open = new(StringComparer.Ordinal);
    private readonly List<(SchemaPlace Place, List<IReadOnlyList<IReadOnlyList<SchemaPlace>>> Alternatives)> _exclusive = [];
    private int _work;

    /// <summary>The whole schema.</summary>
    public SchemaPlace Root { get; } = new("#", root);

    /// <summary>The last reason why some schema allows nothing.</summary>
    public GrammarException? Contradiction { get; set; }

    /// <summary>Says why something allows nothing.</summary>
    public void Contradict(SchemaPlace place, string what) => Contradiction = place.Fault(what);

    /// <summary>The ways to satisfy all of some schemas; none where that can't be.</summary>
    /// <exception cref="GrammarException">A keyword is not supported, or there are too many ways.</exception>
    public IReadOnlyList<IReadOnlyList<SchemaPlace>> Variants(IEnumerable<SchemaPlace> schemas) =>
        schemas.Aggregate((IReadOnlyList<IReadOnlyList<SchemaPlace>>)[[]], (variants, schema) => Product(schema, variants, Open(schema)));

    private IReadOnlyList<IReadOnlyList<SchemaPlace>> Open(SchemaPlace schema)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_known.TryGetValue(schema.Pointer, out var known))
            return known;
        if (schema.Element.ValueKind == JsonValueKind.True)
            return [[]];
        if (schema.Element.ValueKind == JsonValueKind.False)
        {
            Contradict(schema, "'false' allows nothing");
            return [];
        }
        if (!schema.HasKeywords)
            throw schema.Fault("a schema has to be an object, true or false");
        if (++_work > MostWork)
            throw schema.Fault("the schema is too large");
        if (_open.Count >= MostDepth)
            throw schema.Fault($"references and allOf, anyOf or oneOf stand more than {MostDepth} deep in each other");
        if (!_open.Add(schema.Pointer))
            throw schema.Fault("it refers to itself without a property or an item in between, so it says nothing");
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
        _open.Remove(schema.Pointer);
        return _known[schema.Pointer] = variants;
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

    private IReadOnlyList<IReadOnlyList<SchemaPlace>> Product(
        SchemaPlace schema, IReadOnlyList<IReadOnlyList<SchemaPlace>> some, IReadOnlyList<IReadOnlyList<SchemaPlace>> others)
    {
        if ((_work += some.Count * others.Count) > MostWork || some.Count * others.Count > MostVariants)
            throw schema.Fault($"anyOf, oneOf and allOf together make more than {MostVariants} alternatives; use fewer");
        var product = new List<IReadOnlyList<SchemaPlace>>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var one in some)
        {
            foreach (var other in others)
            {
                IReadOnlyList<SchemaPlace> both = other.Count == 0 ? one : [.. one.Concat(other).DistinctBy(part => part.Pointer)];
                if (both.Count > MostParts)
                    throw schema.Fault($"more than {MostParts} schemas have to hold together");
                if (seen.Add(string.Join('\n', both.Select(part => part.Pointer))))
                    product.Add(both);
            }
        }
        return product;
    }

    private static void CheckKeywords(SchemaPlace schema)
    {
        foreach (var keyword in Refused)
            if (schema.Has(keyword, out var value) && !(keyword == "if" && !schema.Has("then", out _) && !schema.Has("else", out _)))
                throw value.Fault($"'{keyword}' is not supported: a grammar can't hold it; leave it out, or check for it afterwards");
    }

    private SchemaPlace Resolve(SchemaPlace reference)
    {
        var text = reference.Text();
        var fragment = text.IndexOf('#', StringComparison.Ordinal);
        var document = fragment < 0 ? text : text[..fragment];
        if (document.Length > 0 && !(Root.Has("$id", out var id) && id.Text().TrimEnd('#') == document))
            throw reference.Fault("names another document; only references inside the schema are supported, such as '#/$defs/name'");
        var place = Root;
        var path = fragment < 0 ? "" : Uri.UnescapeDataString(text[(fragment + 1)..]);
        if (path.Length > 0 && path[0] != '/')
            throw reference.Fault("anchors are not supported; use a JSON pointer such as '#/$defs/name'");
        foreach (var token in path.Split('/').Skip(1))
        {
            var name = token.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            if (place.Element.ValueKind == JsonValueKind.Object && place.Element.TryGetProperty(name, out var member))
                place = place.At(name, member);
            else if (place.Element.ValueKind == JsonValueKind.Array && int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < place.Element.GetArrayLength())
                place = place.At(name, place.Element[index]);
            else
                throw reference.Fault("refers to nothing in the schema");
        }
        return place;
    }
}
