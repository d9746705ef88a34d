using System.Text.Json.Serialization;
using Formation.Inference.Gateway.Formation.Requests;
using Formation.Inference.Gateway.OpenAI.Answers;

namespace Formation.Inference.Gateway.OpenAI.Completions;

/// <summary>The answer of <c>POST /v1/completions</c>, whole or one event of its stream.</summary>
internal sealed record Completion(
    string Id, string Object, long Created, string Model, string SystemFingerprint, IReadOnlyList<CompletionChoice> Choices)
{
    /// <summary>In whole answers.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Usage? Usage { get; init; }

    /// <summary>Formation's own part, where the request has one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FormationAnswer? Formation { get; init; }
}

/// <summary>An event of a stream that reports its usage: null in every event but the last.</summary>
internal sealed record CompletionChunkWithUsage(
    string Id, string Object, long Created, string Model, string SystemFingerprint, IReadOnlyList<CompletionChoice> Choices, Usage? Usage)
{
    /// <summary>Formation's own part, where the request has one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FormationAnswer? Formation { get; init; }
}

/// <summary>One of the continuations, or what is new of it.</summary>
internal sealed record CompletionChoice(string Text, int Index, CompletionLogprobs? Logprobs, string? FinishReason)
{
    /// <summary>An extension: the stop string or stop token id of the request that ended the choice.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public object? StopReason { get; init; }
}

/// <summary>Log-probabilities of the tokens of a text, as parallel lists.</summary>
/// <param name="Tokens">The tokens' text; bytes that are not whole characters as <c>bytes:\xNN</c>.</param>
/// <param name="TokenLogprobs">Natural logarithms; null for the first token of a prompt.</param>
/// <param name="TopLogprobs">For each token the most probable ones in its place, the token itself always among them; null where 0 were
/// asked for.</param>
/// <param name="TextOffset">Where each token begins, in code points from the beginning of the prompt.</param>
internal sealed record CompletionLogprobs(
    IReadOnlyList<string> Tokens,
    IReadOnlyList<float?> TokenLogprobs,
    IReadOnlyList<IReadOnlyDictionary<string, float>?>? TopLogprobs,
    IReadOnlyList<int> TextOffset);
