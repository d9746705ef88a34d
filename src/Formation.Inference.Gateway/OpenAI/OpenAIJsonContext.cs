using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Formation.Inference.Gateway.OpenAI.ChatCompletions;
using Formation.Inference.Gateway.OpenAI.Completions;
using Formation.Inference.Gateway.OpenAI.Models;
using Formation.Inference.Gateway.Requests;

namespace Formation.Inference.Gateway.OpenAI;

/// <summary>The JSON of OpenAI's dialect.</summary>
[JsonSerializable(typeof(ChatCompletionRequest))]
[JsonSerializable(typeof(ChatCompletion))]
[JsonSerializable(typeof(ChatCompletionChunk))]
[JsonSerializable(typeof(ChatCompletionChunkWithUsage))]
[JsonSerializable(typeof(CompletionRequest))]
[JsonSerializable(typeof(Completion))]
[JsonSerializable(typeof(CompletionChunkWithUsage))]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(int))]
internal sealed partial class OpenAIJsonContext : JsonSerializerContext
{
    /// <summary>For reading requests: strict.</summary>
    internal static OpenAIJsonContext Requests { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        AllowDuplicateProperties = false,
        MaxDepth = JsonBody.MaxDepth,
    });

    /// <summary>For writing answers: letters of all scripts as they are, which is safe where nothing is put into HTML.</summary>
    internal static OpenAIJsonContext Answers { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
