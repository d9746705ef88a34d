using System.Text.Json;

namespace Formation.Inference.Engine.Tests.Grammars;

/// <summary>Schemas as users write them: the folder <c>Schemas</c>, one file for each area, and what another implementation says of texts (<c>Golden/schemas</c>).</summary>
internal static class SchemaCorpus
{
    /// <summary>All schemas, by the file's and their own name.</summary>
    public static Dictionary<string, JsonElement> Schemas { get; } = ReadSchemas();

    /// <summary>For each schema texts, and whether they satisfy it.</summary>
    public static Dictionary<string, List<(string Text, bool IsValid)>> Verdicts { get; } = ReadVerdicts();

    private static Dictionary<string, JsonElement> ReadSchemas()
    {
        var schemas = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Grammars", "Schemas"), "*.json").Order(StringComparer.Ordinal))
            foreach (var schema in JsonElement.Parse(File.ReadAllBytes(file)).EnumerateObject())
                schemas.Add($"{Path.GetFileNameWithoutExtension(file)}: {schema.Name}", schema.Value);
        return schemas;
    }

    private static Dictionary<string, List<(string Text, bool IsValid)>> ReadVerdicts() =>
        JsonElement.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "schemas", "verdicts.json"))).EnumerateObject()
            .ToDictionary(schema => schema.Name, schema => schema.Value.EnumerateArray().Select(verdict => (verdict[0].GetString()!, verdict[1].GetBoolean())).ToList());
}
