using System.Text.Json;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.Parameters;

/// <summary>What is asked of a function that a model may call, in whichever form it comes.</summary>
internal static class FunctionChecks
{
    internal const int MaxTools = 128;

    /// <param name="function">The object that has name, description and parameters.</param>
    /// <param name="here">Its place in the body.</param>
    /// <param name="names">The names of the functions before it; gets this one's.</param>
    internal static void Check(JsonElement function, string here, HashSet<string> names)
    {
        string name = RequireName(function, here);
        if (!names.Add(name))
            throw InvalidValue($"{here}.name", "another tool has this name.");
        if (IsGiven(function, "parameters", out JsonElement parameters) && parameters.ValueKind != JsonValueKind.Object)
            throw InvalidType($"{here}.parameters", "a JSON schema (an object)", parameters);
        if (IsGiven(function, "description", out JsonElement description) && JsonWords.TryGetString(description) is null)
            throw InvalidType($"{here}.description", "a string", description);
    }
}
