using System.Text.Json;
using System.Text.Json.Serialization;
using Formation.Inference.Gateway.OpenAI.Batches;
using Formation.Inference.Gateway.OpenAI.ChatCompletions;
using Formation.Inference.Gateway.OpenAI.ChatCompletions.Kept;
using Formation.Inference.Gateway.OpenAI.Completions;
using Formation.Inference.Gateway.OpenAI.Embeddings;
using Formation.Inference.Gateway.OpenAI.Files;
using Formation.Inference.Gateway.OpenAI.Models;
using Formation.Inference.Gateway.OpenAI.Responses;
using Formation.Inference.Gateway.Requests;

namespace Formation.Inference.Gateway.OpenAI;

/// <summary>The JSON of OpenAI's dialect.</summary>
[JsonSerializable(typeof(ChatCompletionRequest))]
[JsonSerializable(typeof(ChatCompletion))]
[JsonSerializable(typeof(ChatCompletionChunk))]
[JsonSerializable(typeof(ChatCompletionChunkWithUsage))]
[JsonSerializable(typeof(StoredMessage[]))]
[JsonSerializable(typeof(StoredMessageList))]
[JsonSerializable(typeof(StoredCompletionList))]
[JsonSerializable(typeof(CompletionUpdate))]
[JsonSerializable(typeof(CompletionDeleted))]
[JsonSerializable(typeof(CompletionRequest))]
[JsonSerializable(typeof(Completion))]
[JsonSerializable(typeof(CompletionChunkWithUsage))]
[JsonSerializable(typeof(CreateEmbeddingRequest))]
[JsonSerializable(typeof(EmbeddingList))]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(ResponsesRequest))]
[JsonSerializable(typeof(ResponseObject))]
[JsonSerializable(typeof(ResponseEvent))]
[JsonSerializable(typeof(OutputItemEvent))]
[JsonSerializable(typeof(ContentPartEvent))]
[JsonSerializable(typeof(TextDeltaEvent))]
[JsonSerializable(typeof(TextDoneEvent))]
[JsonSerializable(typeof(ReasoningDeltaEvent))]
[JsonSerializable(typeof(ReasoningDoneEvent))]
[JsonSerializable(typeof(ArgumentsDeltaEvent))]
[JsonSerializable(typeof(ArgumentsDoneEvent))]
[JsonSerializable(typeof(ErrorEvent))]
[JsonSerializable(typeof(ResponseDeleted))]
[JsonSerializable(typeof(ResponseItemList))]
[JsonSerializable(typeof(InputTokenCount))]
[JsonSerializable(typeof(KeptItems))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(BatchRequest))]
[JsonSerializable(typeof(BatchObject))]
[JsonSerializable(typeof(BatchState))]
[JsonSerializable(typeof(BatchList))]
[JsonSerializable(typeof(BatchOutputLine))]
[JsonSerializable(typeof(FileObject))]
[JsonSerializable(typeof(FileList))]
[JsonSerializable(typeof(FileDeleted))]
[JsonSerializable(typeof(List<string>))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(int))]
internal sealed partial class OpenAIJsonContext : JsonSerializerContext
{
    /// <inheritdoc cref="DialectJson.ForRequests"/>
    internal static OpenAIJsonContext Requests { get; } = new(DialectJson.ForRequests());

    /// <inheritdoc cref="DialectJson.ForAnswers"/>
    internal static OpenAIJsonContext Answers { get; } = new(DialectJson.ForAnswers());
}
