using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Formation.Inference.Cli.Client;

/// <summary>What a server of ours answers on its own routes.</summary>
static class ServerAnswer
{
    /// <summary>Reads an answer, or a part of one.</summary>
    /// <exception cref="CommandException">It is missing, or not of that type.</exception>
    public static T Read<T>(JsonNode? node, JsonTypeInfo<T> type)
    {
        try
        {
            if (node is not null && node.Deserialize(type) is { } value)
                return value;
        }
        catch (JsonException)
        {
        }
        throw new CommandException(ExitCode.Failed, "The server's answer is not what this version of form knows; run the same version on both sides.");
    }
}
