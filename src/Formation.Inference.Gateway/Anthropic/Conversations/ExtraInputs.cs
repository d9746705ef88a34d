using System.Text.Json;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.Anthropic.Conversations;

/// <summary>Refuses fields that the API does not have where they stand.</summary>
internal static class ExtraInputs
{
    internal static void None(Dictionary<string, JsonElement>? unknown, string path = "")
    {
        if (unknown is { Count: > 0 })
            throw Extra(JsonPath.Append(path, unknown.Keys.First()));
    }

    internal static void None(JsonElement element, string path, params ReadOnlySpan<string> allowed)
    {
        if (FirstOther(element, path, allowed) is { } extra)
            throw Extra(extra);
    }

    internal static ApiErrorException Extra(string param) =>
        Fail(param, "unknown_parameter", $"{param}: extra inputs are not permitted, and this server has no field of this name here.");
}
