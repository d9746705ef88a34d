using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Formation.Inference.Engine.Grammars;

namespace Formation.Inference.Engine.Tests.Grammars;

/// <summary>Writes texts for schemas that have none yet, for <c>Golden/schemas/make-verdicts.py</c> to judge. Runs only when it is asked for by name.</summary>
public sealed class VerdictTexts
{
    private const int Unchanged = 3, Changed = 6, MostLength = 400;

    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, WriteIndented = true, MaxDepth = 1000 };

    private static readonly JsonSerializerOptions Compact = new(Readable) { WriteIndented = false };

    [Fact(Explicit = true)]
    public void Texts_of_new_schemas_are_written_beside_the_verdicts()
    {
        var texts = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var (name, schema) in SchemaCorpus.Schemas.Where(schema => !SchemaCorpus.Verdicts.ContainsKey(schema.Key)))
            texts[name] = Write(schema);
        File.WriteAllText(Path.Combine(AppContext.BaseDirectory, "Golden", "schemas", "texts.json"), JsonSerializer.Serialize(texts, Readable));
    }

    [Fact(Explicit = true)]
    public void All_texts_of_the_walks_are_written_beside_the_verdicts()
    {
        var texts = SchemaCorpus.Schemas.ToDictionary(schema => schema.Key, schema => JsonSchemaWalkTests.Write(schema.Key).ToList());
        File.WriteAllText(Path.Combine(AppContext.BaseDirectory, "Golden", "schemas", "walks.json"), JsonSerializer.Serialize(texts, Readable));
    }

    private static List<string> Write(JsonElement schema)
    {
        var walk = new GrammarWalk(JsonSchemaGrammar.Of(schema));
        var random = new Random(23);
        List<string> written = [.. Enumerable.Range(0, 300).Select(_ => walk.Write(random, random.Next(60), 2000)).OfType<string>().Where(text => text.Length < MostLength && IsReadable(text))
            .Distinct(StringComparer.Ordinal).Take(Unchanged + 2 * Changed)];
        var changed = Enumerable.Range(0, 100).Select(_ => Change(written[random.Next(written.Count)], random)).Where(text => text.Length < MostLength)
            .Distinct(StringComparer.Ordinal).Except(written).Take(Changed);
        return [.. written.Take(Unchanged), .. changed];
    }

    // What has two properties of one name can't be changed as a value.
    private static bool IsReadable(string text)
    {
        try
        {
            using var value = JsonDocument.Parse(text, new JsonDocumentOptions { AllowDuplicateProperties = false });
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    // Another value at one place at random.
    private static string Change(string text, Random random)
    {
        var root = JsonNode.Parse(text);
        var places = Places(root).ToList();
        if (places.Count == 0 || random.Next(places.Count + 1) == 0)
            return JsonSerializer.Serialize(Other(root, random), Compact);
        var (parent, key, index) = places[random.Next(places.Count)];
        switch (parent)
        {
            case JsonObject members when random.Next(3) == 0:
                members.Remove(key!);
                break;
            case JsonObject members when random.Next(6) == 0:
                members["extra"] = 1;
                break;
            case JsonObject members:
                members[key!] = Other(members[key!], random);
                break;
            case JsonArray items when random.Next(3) == 0:
                items.RemoveAt(index);
                break;
            case JsonArray items when random.Next(3) == 0:
                items.Add(items[index]?.DeepClone());
                break;
            case JsonArray items:
                items[index] = Other(items[index], random);
                break;
        }
        return JsonSerializer.Serialize(root, Compact);
    }

    private static JsonNode? Other(JsonNode? value, Random random)
    {
        if (random.Next(4) == 0)
            return JsonNode.Parse(((string[])["null", "true", "0", "\"\"", "[]", "{}", "1.5", "\"abc\""])[random.Next(8)]);
        switch (value?.GetValueKind())
        {
            case JsonValueKind.String:
                var text = value.GetValue<string>();
                return random.Next(3) switch { 0 => text + "x", 1 => text.Length > 0 ? text[1..] : "y", _ => text.ToUpperInvariant() };
            case JsonValueKind.Number:
                return JsonNode.Parse(random.Next(4) switch { 0 => "-1", 1 => "1000000", 2 => "0.125", _ => "3" });
            case JsonValueKind.True or JsonValueKind.False:
                return value.GetValueKind() == JsonValueKind.False;
            case JsonValueKind.Array:
                return new JsonArray(1, "a");
            case JsonValueKind.Object:
                return new JsonObject { ["a"] = 1 };
            default:
                return JsonValue.Create(2);
        }
    }

    private static IEnumerable<(JsonNode Parent, string? Key, int Index)> Places(JsonNode? node) => node switch
    {
        JsonObject members => members.SelectMany(member => Places(member.Value).Prepend((members, member.Key, 0))),
        JsonArray items => items.SelectMany((item, index) => Places(item).Prepend((items, null, index))),
        _ => [],
    };
}
