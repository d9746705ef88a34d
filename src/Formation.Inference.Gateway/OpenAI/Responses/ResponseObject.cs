using System.Text.Json;
using System.Text.Json.Serialization;
using Formation.Inference.Gateway.Formation.Requests;
using Formation.Inference.Gateway.OpenAI.Responses.Items;
using Formation.Inference.Gateway.Streaming;

namespace Formation.Inference.Gateway.OpenAI.Responses;

/// <summary>A response: what was asked, as far as it was not the input, and what came of it.</summary>
internal sealed record ResponseObject
{
    public required string Id { get; init; }

    public string Object { get; } = "response";

    /// <summary>In seconds since 1970, as all times of OpenAI's.</summary>
    public required long CreatedAt { get; init; }

    /// <summary>One of <see cref="ResponseStatus"/>.</summary>
    public required string Status { get; init; }

    /// <summary>Whether it runs, or ran, by itself.</summary>
    public bool Background { get; init; }

    /// <summary>Formation's own part, where the request has one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FormationAnswer? Formation { get; init; }

    public long? CompletedAt { get; init; }

    public ResponseError? Error { get; init; }

    public IncompleteDetails? IncompleteDetails { get; init; }

    public string? Instructions { get; init; }

    public long? MaxOutputTokens { get; init; }

    public long? MaxToolCalls { get; init; }

    public required string Model { get; init; }

    public required IReadOnlyList<ResponseItem> Output { get; init; }

    public bool ParallelToolCalls { get; init; } = true;

    public string? PreviousResponseId { get; init; }

    public string? PromptCacheKey { get; init; }

    public string? PromptCacheRetention { get; init; }

    public required ReasoningEcho Reasoning { get; init; }

    public string? SafetyIdentifier { get; init; }

    public string ServiceTier { get; } = "default";

    public bool Store { get; init; }

    public double Temperature { get; init; } = 1;

    public required TextEcho Text { get; init; }

    public required JsonElement ToolChoice { get; init; }

    public required IReadOnlyList<JsonElement> Tools { get; init; }

    public long TopLogprobs { get; init; }

    public double TopP { get; init; } = 1;

    public string Truncation { get; init; } = "disabled";

    /// <summary>Null until the response has ended.</summary>
    public ResponseUsage? Usage { get; init; }

    public string? User { get; init; }

    public required JsonElement Metadata { get; init; }
}

/// <summary>How far a response is.</summary>
internal static class ResponseStatus
{
    internal const string InProgress = "in_progress", Completed = "completed", Incomplete = "incomplete", Failed = "failed", Cancelled = "cancelled", Queued = "queued";
}

/// <summary>What a response failed of.</summary>
internal sealed record ResponseError(string Code, string Message);

/// <summary>Why a response is not all that it could be.</summary>
internal sealed record IncompleteDetails(string Reason);

/// <summary>The request's reasoning. The summary is always null: thoughts come as they are.</summary>
internal sealed record ReasoningEcho(string? Effort, string? Summary);

/// <summary>The request's format.</summary>
internal sealed record TextEcho(JsonElement Format, string Verbosity);

/// <summary>What a response used.</summary>
internal sealed record ResponseUsage(
    int InputTokens, InputTokensDetails InputTokensDetails, int OutputTokens, OutputTokensDetails OutputTokensDetails, int TotalTokens)
{
    internal static ResponseUsage From(UsageCount count) => new(
        count.PromptTokens,
        new InputTokensDetails(count.CachedTokens, 0),
        count.CompletionTokens,
        new OutputTokensDetails(count.ReasoningTokens),
        count.PromptTokens + count.CompletionTokens);
}

/// <summary>Parts of the input's tokens.</summary>
/// <param name="CachedTokens">Found in the prefix cache.</param>
/// <param name="CacheWriteTokens">Always 0: writing the cache is counted for nobody.</param>
internal sealed record InputTokensDetails(int CachedTokens, int CacheWriteTokens);

/// <summary>Parts of the output's tokens.</summary>
internal sealed record OutputTokensDetails(int ReasoningTokens);

/// <summary>The answer to <c>DELETE /v1/responses/{id}</c>.</summary>
internal sealed record ResponseDeleted(string Id, string Object, bool Deleted);

/// <summary>The answer to <c>GET /v1/responses/{id}/input_items</c>.</summary>
internal sealed record ResponseItemList(string Object, IReadOnlyList<ResponseItem> Data, string? FirstId, string? LastId, bool HasMore);

/// <summary>The answer to <c>POST /v1/responses/input_tokens</c>.</summary>
internal sealed record InputTokenCount(string Object, int InputTokens);

/// <summary>What is kept of a response's conversation: what went in, without what went before it, and what came out.</summary>
internal sealed record KeptItems(IReadOnlyList<ResponseItem> Input, IReadOnlyList<ResponseItem> Output);
