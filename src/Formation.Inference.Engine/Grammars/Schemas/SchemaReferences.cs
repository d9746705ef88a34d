using System.Globalization;
using System.Text.Json;

namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>
/// What the references in a schema name: places by their JSON pointers, anchors, and schemas inside that have an <c>$id</c> of their own, from which the
/// references and anchors in these are counted.
/// </summary>
internal sealed class SchemaReferences
{
    // Each reference is held against all schemas that have an address.
    private const int MostNames = 1_000;

    // What stands under these is a value, or what an author says beside the schema.
    private static readonly string[] Values = ["const", "enum", "default", "example", "examples"];

    // What stands under these is schemas by names.
    private static readonly string[] Named = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"];

    private static readonly Uri Nowhere = new("schema:///");

    private readonly List<(SchemaPlace Place, Uri Base)> _resources = [];
    private readonly Dictionary<(string Resource, string Name), SchemaPlace> _anchors = [];
    private readonly HashSet<(string Resource, string Name)> _ambiguous = [];

    public SchemaReferences(SchemaPlace root)
    {
        _resources.Add((root, Nowhere));
        var open = new Stack<(Node Node, int Resource, bool IsNamed)>([(new Node(null, "", root.Element), 0, false)]);
        while (open.TryPop(out var next))
        {
            var (node, resource, isNamed) = next;
            if (node.Element.ValueKind == JsonValueKind.Array)
            {
                var index = 0;
                foreach (var item in node.Element.EnumerateArray())
                    Push(index++.ToString(CultureInfo.InvariantCulture), item, false);
                continue;
            }
            if (!isNamed)
                resource = Read(node, resource);
            foreach (var member in node.Element.EnumerateObject())
                if (isNamed || !Values.Contains(member.Name, StringComparer.Ordinal))
                    Push(member.Name, member.Value, !isNamed && Named.Contains(member.Name, StringComparer.Ordinal));

            void Push(string name, JsonElement element, bool isNamed)
            {
                if (element.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
                    open.Push((new Node(node, name, element), resource, isNamed));
            }
        }
    }

    /// <exception cref="GrammarException">A reference names nothing, or something elsewhere.</exception>
    public SchemaPlace Resolve(SchemaPlace reference)
    {
        var text = reference.Text();
        var mark = text.IndexOf('#', StringComparison.Ordinal);
        var resource = Resource(reference, mark < 0 ? text : text[..mark]);
        var path = mark < 0 ? "" : Uri.UnescapeDataString(text[(mark + 1)..]);
        if (path.Length == 0)
            return resource;
        if (path[0] == '/')
            return Follow(reference, resource, path);
        var anchor = (resource.Pointer, path);
        if (_ambiguous.Contains(anchor))
            throw reference.Fault("names an anchor that two schemas have; give one of them another name");
        return _anchors.TryGetValue(anchor, out var place) ? place : throw reference.Fault("names an anchor that no schema has; add '$anchor', or use a JSON pointer such as '#/$defs/name'");
    }

    // The resource that a place is in, which is the one itself where it begins one.
    private int Read(Node node, int resource)
    {
        if (Text("$id") is { } id)
        {
            // Before the keyword for anchors there was, they were ids.
            if (id.Length > 1 && id[0] == '#')
                Add(id[1..]);
            else if (Uri.TryCreate(_resources[resource].Base, id.TrimEnd('#'), out var address))
            {
                if (node.Above is null)
                    _resources[0] = (node.Place, address);
                else
                    _resources.Add((node.Place, address));
                resource = node.Above is null ? 0 : _resources.Count - 1;
            }
        }
        if (Text("$anchor") is { } anchor)
            Add(anchor);
        if (Text("$dynamicAnchor") is { } dynamic)
            Add(dynamic);
        if (_anchors.Count + _resources.Count > MostNames)
            throw node.Place.Fault($"the schema has more than {MostNames} anchors and schemas with an '$id'; use JSON pointers such as '#/$defs/name'");
        return resource;

        string? Text(string keyword) => node.Element.TryGetProperty(keyword, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;

        void Add(string name)
        {
            var key = (_resources[resource].Place.Pointer, name);
            if (!_anchors.TryAdd(key, node.Place) && _anchors[key].Pointer != node.Place.Pointer)
                _ambiguous.Add(key);
        }
    }

    private SchemaPlace Resource(SchemaPlace reference, string document)
    {
        var own = _resources.Where(resource => reference.Pointer.StartsWith(resource.Place.Pointer + "/", StringComparison.Ordinal)).MaxBy(resource => resource.Place.Pointer.Length);
        if (document.Length == 0)
            return own.Place;
        if (Uri.TryCreate(own.Base, document, out var address))
            foreach (var (place, other) in _resources)
                if (other == address)
                    return place;
        throw reference.Fault("names another document; only references inside the schema are supported, such as '#/$defs/name'");
    }

    private static SchemaPlace Follow(SchemaPlace reference, SchemaPlace place, string path)
    {
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

    /// <summary>A place on the walk through the schema; few of them are ever named by a pointer, which may be long.</summary>
    private sealed record Node(Node? Above, string Name, JsonElement Element)
    {
        public SchemaPlace Place
        {
            get
            {
                var names = new Stack<string>();
                for (var node = this; node.Above is not null; node = node.Above)
                    names.Push(node.Name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal));
                return new SchemaPlace(string.Join('/', names.Prepend("#")), Element);
            }
        }
    }
}
