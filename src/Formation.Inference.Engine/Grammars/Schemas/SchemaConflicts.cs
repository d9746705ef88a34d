using System.Text.Json;

namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>
/// Whether schemas can't hold together, as far as that is seen at a look: by their types, and by properties that are missing or have single values. So of many
/// conditions on one property only as many combinations stay as it has values.
/// </summary>
internal sealed class SchemaConflicts
{
    // Properties and values of one schema that are looked at; more than these are seldom told apart by.
    private const int MostNames = 64, MostValues = 64;

    private readonly Dictionary<string, Profile> _profiles = new(StringComparer.Ordinal);

    /// <summary>Whether it is certain that they can't.</summary>
    public bool Any(IReadOnlyList<SchemaPlace> parts)
    {
        Profile[] profiles = [.. parts.Select(Of)];
        var types = profiles.Aggregate(JsonTypes.All, (types, profile) => types & profile.Types);
        if (types == JsonTypes.None)
            return true;
        // What speaks of properties only holds for any other value.
        if (types != JsonTypes.Object)
            return false;
        var required = profiles.SelectMany(profile => profile.Required).ToHashSet(StringComparer.Ordinal);
        if (profiles.Any(profile => profile.Missing is { } missing && required.Contains(missing)))
            return true;
        foreach (var values in profiles.SelectMany(profile => profile.Values).Where(values => required.Contains(values.Key)).GroupBy(values => values.Key, values => values.Value))
        {
            var kept = values.Aggregate((all, next) => [.. all.Where(one => next.Any(other => JsonElement.DeepEquals(one, other)))]);
            if (kept.All(value => profiles.Any(profile => profile.Misfits?.Name == values.Key && profile.Misfits.Value.Values.Any(other => JsonElement.DeepEquals(value, other)))))
                return true;
        }
        return false;
    }

    private Profile Of(SchemaPlace part) => _profiles.TryGetValue(part.Key, out var known) ? known : _profiles[part.Key] = Read(part);

    private static Profile Read(SchemaPlace part)
    {
        var values = new Dictionary<string, JsonElement[]>(StringComparer.Ordinal);
        if (part.Has("properties", out var properties))
            foreach (var (name, place) in properties.Members().Take(MostNames))
                if (Listed(place.Element) is { } listed)
                    values[name] = listed;
        return new Profile(
            JsonTypesReader.Named([part]),
            [.. SchemaObjects.Required(part).Take(MostNames)],
            part.Claim == SchemaClaim.Lacks ? part.About : null,
            part.Claim == SchemaClaim.Misfits && IsListOnly(part.Element) && Listed(part.Element) is { } misfits ? (part.About!, misfits) : null,
            values);
    }

    private static JsonElement[]? Listed(JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object)
            return null;
        if (schema.TryGetProperty("const", out var single))
            return [single];
        return schema.TryGetProperty("enum", out var list) && list.ValueKind == JsonValueKind.Array && list.GetArrayLength() <= MostValues ? [.. list.EnumerateArray()] : null;
    }

    // Whether every value that is listed satisfies the schema.
    private static bool IsListOnly(JsonElement schema) => schema.ValueKind == JsonValueKind.Object && schema.GetPropertyCount() == 1;

    /// <summary>What a schema says of an object's properties.</summary>
    private sealed record Profile(JsonTypes Types, string[] Required, string? Missing, (string Name, JsonElement[] Values)? Misfits, Dictionary<string, JsonElement[]> Values);
}
