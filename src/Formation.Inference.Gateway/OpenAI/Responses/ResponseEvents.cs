using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Formation.Inference.Gateway.OpenAI.Answers;
using Formation.Inference.Gateway.OpenAI.Responses.Items;
using Formation.Inference.Gateway.Streaming;

namespace Formation.Inference.Gateway.OpenAI.Responses;

/// <summary>An event of a streamed response. Its type is its name on the wire, too.</summary>
internal abstract record ResponseStreamEvent(
    [property: JsonPropertyOrder(-2)] string Type, [property: JsonPropertyOrder(-1)] int SequenceNumber)
{
    /// <summary>How the event is written.</summary>
    private protected abstract JsonTypeInfo Json { get; }

    internal void WriteTo(ServerSentEvents output) => output.Write(Encoding.ASCII.GetBytes(Type), ToJson());

    internal byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, Json);
}

/// <summary>The response began or ended.</summary>
internal sealed record ResponseEvent(string Type, int SequenceNumber, ResponseObject Response) : ResponseStreamEvent(Type, SequenceNumber)
{
    private protected override JsonTypeInfo Json => OpenAIJsonContext.Answers.ResponseEvent;
}

/// <summary>An item began or ended.</summary>
internal sealed record OutputItemEvent(string Type, int SequenceNumber, int OutputIndex, ResponseItem Item) : ResponseStreamEvent(Type, SequenceNumber)
{
    private protected override JsonTypeInfo Json => OpenAIJsonContext.Answers.OutputItemEvent;
}

/// <summary>A part of a message began or ended.</summary>
internal sealed record ContentPartEvent(string Type, int SequenceNumber, string ItemId, int OutputIndex, int ContentIndex, ContentPart Part)
    : ResponseStreamEvent(Type, SequenceNumber)
{
    private protected override JsonTypeInfo Json => OpenAIJsonContext.Answers.ContentPartEvent;
}

/// <summary>More text.</summary>
internal sealed record TextDeltaEvent(
    string Type, int SequenceNumber, string ItemId, int OutputIndex, int ContentIndex, string Delta, IReadOnlyList<ChatTokenLogprob> Logprobs)
    : ResponseStreamEvent(Type, SequenceNumber)
{
    private protected override JsonTypeInfo Json => OpenAIJsonContext.Answers.TextDeltaEvent;
}

/// <summary>The whole text.</summary>
internal sealed record TextDoneEvent(
    string Type, int SequenceNumber, string ItemId, int OutputIndex, int ContentIndex, string Text, IReadOnlyList<ChatTokenLogprob> Logprobs)
    : ResponseStreamEvent(Type, SequenceNumber)
{
    private protected override JsonTypeInfo Json => OpenAIJsonContext.Answers.TextDoneEvent;
}

/// <summary>More of a thought.</summary>
internal sealed record ReasoningDeltaEvent(string Type, int SequenceNumber, string ItemId, int OutputIndex, int ContentIndex, string Delta)
    : ResponseStreamEvent(Type, SequenceNumber)
{
    private protected override JsonTypeInfo Json => OpenAIJsonContext.Answers.ReasoningDeltaEvent;
}

/// <summary>The whole thought.</summary>
internal sealed record ReasoningDoneEvent(string Type, int SequenceNumber, string ItemId, int OutputIndex, int ContentIndex, string Text)
    : ResponseStreamEvent(Type, SequenceNumber)
{
    private protected override JsonTypeInfo Json => OpenAIJsonContext.Answers.ReasoningDoneEvent;
}

/// <summary>More of a call's arguments.</summary>
internal sealed record ArgumentsDeltaEvent(string Type, int SequenceNumber, string ItemId, int OutputIndex, string Delta) : ResponseStreamEvent(Type, SequenceNumber)
{
    private protected override JsonTypeInfo Json => OpenAIJsonContext.Answers.ArgumentsDeltaEvent;
}

/// <summary>A call's whole arguments.</summary>
internal sealed record ArgumentsDoneEvent(string Type, int SequenceNumber, string ItemId, int OutputIndex, string Name, string Arguments)
    : ResponseStreamEvent(Type, SequenceNumber)
{
    private protected override JsonTypeInfo Json => OpenAIJsonContext.Answers.ArgumentsDoneEvent;
}

/// <summary>Something went wrong; <c>response.failed</c> comes next.</summary>
internal sealed record ErrorEvent(string Type, int SequenceNumber, string? Code, string Message, string? Param) : ResponseStreamEvent(Type, SequenceNumber)
{
    private protected override JsonTypeInfo Json => OpenAIJsonContext.Answers.ErrorEvent;
}
