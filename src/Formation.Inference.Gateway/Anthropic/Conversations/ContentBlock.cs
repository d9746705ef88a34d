using System.Text.Json;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.Anthropic.Conversations;

/// <summary>One block of a content, of which only that it is an object with a type is known.</summary>
/// <param name="Json">The block.</param>
/// <param name="Param">Where it stands in the body.</param>
/// <param name="Type">Its type.</param>
internal readonly record struct ContentBlock(JsonElement Json, string Param, string Type)
{
    internal const int MaxBlocks = 2048;

    static readonly string[] Unread = ["image", "document", "search_result", "container_upload", "tool_reference", "browser_state"];

    /// <summary>The blocks of an array.</summary>
    /// <param name="content">The array.</param>
    /// <param name="param">Where it stands.</param>
    /// <param name="fewest">How many there are at least.</param>
    internal static IEnumerable<ContentBlock> Of(JsonElement content, string param, int fewest)
    {
        if (content.ValueKind != JsonValueKind.Array)
            throw InvalidType(param, "a string or an array of content blocks", content);
        Count(param, content.GetArrayLength(), fewest, MaxBlocks);
        int index = 0;
        foreach (JsonElement block in content.EnumerateArray())
        {
            string here = $"{param}[{index++}]";
            if (block.ValueKind != JsonValueKind.Object)
                throw InvalidType(here, "an object", block);
            yield return new ContentBlock(block, here, ParameterChecks.RequireString(block, "type", here));
        }
    }

    /// <summary>The text of a text block.</summary>
    internal string Text()
    {
        CheckFields("text", "citations");
        if (Json.TryGetProperty("citations", out JsonElement citations) && citations is not { ValueKind: JsonValueKind.Null }
            && (citations.ValueKind != JsonValueKind.Array || citations.GetArrayLength() > 0))
            throw Unsupported($"{Param}.citations", "The models here cite nothing; leave it out.");
        return RequireString("text");
    }

    internal string RequireString(string name) => ParameterChecks.RequireString(Json, name, Param);

    /// <summary>Refuses fields that a block of this type does not have, and checks those that every block may have.</summary>
    internal void CheckFields(params ReadOnlySpan<string> own)
    {
        ExtraInputs.None(Json, Param, [.. own, "type", "cache_control"]);
        if (IsGiven(Json, "cache_control", out JsonElement cache))
            CheckCacheControl(cache, $"{Param}.cache_control");
    }

    /// <summary>A block of a type that does not stand here, or that this server can't read.</summary>
    internal ApiErrorException Unexpected(params ReadOnlySpan<string> expected) => Unread.Contains(Type)
        ? Fail($"{Param}.type", "unsupported_value", $"Unsupported content block at '{Param}': '{Type}'. The models here read text only.")
        : InvalidValue($"{Param}.type", $"'{Shorten(Type)}'. Supported values are: '{string.Join("', '", expected!)}'.");

    internal static void CheckCacheControl(JsonElement cache, string param)
    {
        if (cache.ValueKind != JsonValueKind.Object)
            throw InvalidType(param, "an object", cache);
        ExtraInputs.None(cache, param, "type", "ttl");
        OneOf($"{param}.type", ParameterChecks.RequireString(cache, "type", param), "ephemeral");
        if (cache.TryGetProperty("ttl", out _))
            OneOf($"{param}.ttl", ParameterChecks.RequireString(cache, "ttl", param), "5m", "1h");
    }
}
