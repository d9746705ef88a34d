using System.Runtime.CompilerServices;
using System.Text.Json;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.OpenAI.ChatCompletions.Kept;
using Formation.Inference.Gateway.Streaming;

namespace Formation.Inference.Gateway.OpenAI.ChatCompletions;

/// <summary>Keeps a chat completion before its end is told: who hears of it may ask for it.</summary>
internal sealed class CompletionKeeper(GatewayOptions options, string accountId, ChatCompletionRequest body, string id)
{
    /// <summary>Shows each event to the collector before anybody else, and keeps the completion before the last one is given.</summary>
    internal async IAsyncEnumerable<PromptEvent> KeepAtEndAsync(
        IAsyncEnumerable<PromptEvent> events, ChatCompletionCollector collector, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (PromptEvent item in events.WithCancellation(cancellationToken))
        {
            collector.Add(item);
            if (collector.IsComplete)
                await KeepAsync(collector.ToAnswer(), cancellationToken);
            yield return item;
        }
    }

    internal Task KeepAsync(ChatCompletion answer, CancellationToken cancellationToken)
    {
        StoredMessage[] messages = [.. body.Messages!.Select((message, index) => StoredMessage.From(message!, $"{id}-{index}"))];
        return options.Contents!.Completions.KeepAsync(
            new KeptCompletion(
                id,
                accountId,
                answer.Model,
                options.Clock.GetUtcNow(),
                JsonSerializer.SerializeToUtf8Bytes(body.Metadata ?? KeptCompletionsHandler.NoMetadata, OpenAIJsonContext.Answers.JsonElement),
                JsonSerializer.SerializeToUtf8Bytes(answer, OpenAIJsonContext.Answers.ChatCompletion)),
            JsonSerializer.SerializeToUtf8Bytes(messages, OpenAIJsonContext.Answers.StoredMessageArray),
            cancellationToken);
    }
}
