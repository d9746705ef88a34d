using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Formation.Inference.Gateway.Anthropic.Messages;

namespace Formation.Inference.Gateway.Anthropic.Batches;

/// <summary>The body of <c>POST /v1/messages/batches</c>, for its description: <see cref="MessageBatchReader"/> reads it request by request.</summary>
internal sealed class MessageBatchRequest
{
    /// <summary>1 to 100,000 requests.</summary>
    public List<MessageBatchItem>? Requests { get; init; }
}

/// <summary>A request of a batch.</summary>
internal sealed class MessageBatchItem
{
    /// <summary>1 to 64 letters, digits, '_' and '-'; each once.</summary>
    public string? CustomId { get; init; }

    /// <summary>The body that it would have at <c>POST /v1/messages</c>, without <c>stream</c>.</summary>
    public MessagesRequest? Params { get; init; }
}

/// <summary>A batch of messages.</summary>
internal sealed record MessageBatch
{
    internal const string InProgress = "in_progress", Canceling = "canceling", Ended = "ended";

    public required string Id { get; init; }

    public string Type { get; } = "message_batch";

    /// <summary>in_progress, canceling or ended.</summary>
    public required string ProcessingStatus { get; init; }

    /// <summary>All are processing until the batch has ended.</summary>
    public required MessageBatchCounts RequestCounts { get; init; }

    public string? EndedAt { get; init; }

    public required string CreatedAt { get; init; }

    public required string ExpiresAt { get; init; }

    /// <summary>Always null: what is too old is forgotten with its batch.</summary>
    public string? ArchivedAt { get; }

    public string? CancelInitiatedAt { get; init; }

    /// <summary>Where the results are, once the batch has ended.</summary>
    public string? ResultsUrl { get; init; }
}

/// <summary>What became of a batch's requests.</summary>
internal sealed record MessageBatchCounts(int Processing, int Succeeded, int Errored, int Canceled, int Expired);

/// <summary>A page of batches.</summary>
internal sealed record MessageBatchPage(IReadOnlyList<MessageBatch> Data, bool HasMore, string? FirstId, string? LastId);

/// <summary>That a batch was forgotten.</summary>
internal sealed record MessageBatchDeleted(string Id, string Type);

/// <summary>A line of a batch's results.</summary>
internal sealed record MessageBatchLine(string CustomId, MessageBatchResult Result);

/// <summary>What became of a request.</summary>
/// <param name="Type">succeeded, errored, canceled or expired.</param>
/// <param name="Message">The answer of a request that succeeded.</param>
/// <param name="Error">The answer of one that did not.</param>
internal sealed record MessageBatchResult(
    string Type,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] JsonElement? Message = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] JsonElement? Error = null)
{
    internal const string Succeeded = "succeeded", Errored = "errored", Canceled = "canceled", Expired = "expired";
}

/// <summary>A batch as it is kept.</summary>
/// <param name="Batch">What clients get, where it does not depend on how they ask.</param>
/// <param name="Version">The version of the API that it was made with.</param>
/// <param name="RequestsFileId">The hidden file of its requests, until it has ended.</param>
/// <param name="ResultsFileId">The hidden file of its results, once it has ended.</param>
/// <param name="End">What it has become once no further request of it is run.</param>
internal sealed record MessageBatchState(MessageBatch Batch, string Version, string RequestsFileId, string? ResultsFileId, string? End)
{
    internal static string Write(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}
