using System.Text.Json;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.Parameters;

/// <summary>OpenAI's rules for <c>metadata</c>, which is noted of what is kept.</summary>
internal static class MetadataRules
{
    const int MaxPairs = 16;
    const int MaxNameLength = 64;
    const int MaxValueLength = 512;

    internal static void Check(JsonElement metadata)
    {
        if (metadata.ValueKind != JsonValueKind.Object)
            throw InvalidType("metadata", "an object of strings", metadata);
        int count = 0;
        foreach (JsonProperty pair in metadata.EnumerateObject())
        {
            if (++count > MaxPairs)
                throw InvalidValue("metadata", $"it has more than {MaxPairs} pairs, which is the limit.");
            string name = JsonWords.TryGetName(pair) ?? "";
            if (name.Length is 0 or > MaxNameLength)
                throw InvalidValue("metadata", $"a name has {name.Length} characters; use 1 to {MaxNameLength}.");
            string param = JsonPath.Append("metadata", name);
            Text(param, JsonWords.TryGetString(pair.Value) ?? throw InvalidType(param, "a string", pair.Value), MaxValueLength);
        }
    }
}
