using System.Text.Json;
using System.Text.Json.Serialization;
using Formation.Inference.Gateway.Batches;

namespace Formation.Inference.Gateway.OpenAI.Batches;

/// <summary>The body of <c>POST /v1/batches</c>.</summary>
internal sealed class BatchRequest
{
    /// <summary>A file of the purpose batch.</summary>
    public string? InputFileId { get; init; }

    /// <summary>The path that the lines are for.</summary>
    public string? Endpoint { get; init; }

    /// <summary>Only 24h.</summary>
    public string? CompletionWindow { get; init; }

    public JsonElement? Metadata { get; init; }

    public OutputExpiryFields? OutputExpiresAfter { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>How long a batch's files are kept.</summary>
internal sealed class OutputExpiryFields
{
    /// <summary>Only created_at.</summary>
    public string? Anchor { get; init; }

    /// <summary>3600 to 2592000.</summary>
    public long? Seconds { get; init; }
}

/// <summary>How far a batch is.</summary>
internal static class BatchStatus
{
    internal const string Validating = "validating", InProgress = "in_progress", Finalizing = "finalizing", Completed = "completed", Failed = "failed",
        Expired = "expired", Cancelling = "cancelling", Cancelled = "cancelled";
}

/// <summary>A batch.</summary>
internal sealed record BatchObject
{
    public required string Id { get; init; }

    public string Object { get; } = "batch";

    public required string Endpoint { get; init; }

    public BatchErrorList? Errors { get; init; }

    public required string InputFileId { get; init; }

    public string CompletionWindow { get; } = "24h";

    /// <summary>One of <see cref="BatchStatus"/>.</summary>
    public required string Status { get; init; }

    public string? OutputFileId { get; init; }

    public string? ErrorFileId { get; init; }

    public required long CreatedAt { get; init; }

    public long? InProgressAt { get; init; }

    public required long ExpiresAt { get; init; }

    public long? FinalizingAt { get; init; }

    public long? CompletedAt { get; init; }

    public long? FailedAt { get; init; }

    public long? ExpiredAt { get; init; }

    public long? CancellingAt { get; init; }

    public long? CancelledAt { get; init; }

    public BatchCounts RequestCounts { get; init; } = new(0, 0, 0);

    public JsonElement? Metadata { get; init; }

    /// <summary>Whether nothing more will happen to it.</summary>
    internal bool HasEnded => Status is BatchStatus.Completed or BatchStatus.Failed or BatchStatus.Expired or BatchStatus.Cancelled;
}

/// <summary>How many lines a batch has, and what became of them.</summary>
internal sealed record BatchCounts(int Total, int Completed, int Failed);

/// <summary>Why a batch was not begun.</summary>
internal sealed record BatchErrorList(string Object, IReadOnlyList<BatchError> Data);

/// <summary>What is wrong with a line of a batch's file.</summary>
internal sealed record BatchError(string Code, int? Line, string Message, string? Param);

/// <summary>A page of batches.</summary>
internal sealed record BatchList(string Object, IReadOnlyList<BatchObject> Data, string? FirstId, string? LastId, bool HasMore);

/// <summary>A batch as it is kept: what clients get, and how long its files live.</summary>
internal sealed record BatchState(BatchObject Batch, long OutputSeconds);

/// <summary>A line of a batch's output or error file.</summary>
internal sealed record BatchOutputLine(string Id, string CustomId, BatchLineAnswer? Response, BatchLineError? Error);

/// <summary>Why a line was not run.</summary>
internal sealed record BatchLineError(string Code, string Message);
