using System.Text.Json.Serialization;

namespace Formation.Inference.Gateway.HuggingFace.TextGeneration;

/// <summary>The answer of <c>POST /generate</c>; that of <c>POST /</c> is an array with one of these.</summary>
/// <param name="GeneratedText">The text.</param>
internal sealed record GenerateResponse(string GeneratedText)
{
    /// <summary>Only where they are asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public GenerateDetails? Details { get; init; }
}

/// <summary>How a text came about.</summary>
/// <param name="FinishReason">Why it ended: <c>length</c>, <c>eos_token</c> or <c>stop_sequence</c>.</param>
/// <param name="GeneratedTokens">Its tokens, with one that ended it.</param>
/// <param name="Seed">What the draws began with, or null where none were made.</param>
/// <param name="Prefill">The prompt's tokens where they are asked for.</param>
/// <param name="Tokens">The text's tokens.</param>
internal sealed record GenerateDetails(
    string FinishReason, int GeneratedTokens, ulong? Seed, IReadOnlyList<PrefillToken> Prefill, IReadOnlyList<GeneratedToken> Tokens)
{
    /// <summary>The other texts, where several were made.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<BestOfSequence>? BestOfSequences { get; init; }

    /// <summary>For each token the most probable ones in its place, where they are asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<IReadOnlyList<GeneratedToken>>? TopTokens { get; init; }
}

/// <summary>A text that is not the best one.</summary>
internal sealed record BestOfSequence(
    string GeneratedText,
    string FinishReason,
    int GeneratedTokens,
    ulong? Seed,
    IReadOnlyList<PrefillToken> Prefill,
    IReadOnlyList<GeneratedToken> Tokens)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<IReadOnlyList<GeneratedToken>>? TopTokens { get; init; }
}

/// <summary>A token of a text.</summary>
/// <param name="Id">Index in the vocabulary.</param>
/// <param name="Text">What it adds to the text; the name of a special one, which adds nothing.</param>
/// <param name="Logprob">Natural logarithm of its probability.</param>
/// <param name="Special">Whether it is structure rather than text.</param>
internal sealed record GeneratedToken(int Id, string Text, float Logprob, bool Special);

/// <summary>A token of a prompt.</summary>
/// <param name="Id">Index in the vocabulary.</param>
/// <param name="Text">Its own text.</param>
/// <param name="Logprob">Natural logarithm of its probability; null for the first.</param>
internal sealed record PrefillToken(int Id, string Text, float? Logprob);

/// <summary>An event of a stream: one token.</summary>
/// <param name="Index">Its number, from 1.</param>
/// <param name="Token">The token.</param>
/// <param name="TopTokens">The most probable ones in its place, where they are asked for.</param>
/// <param name="GeneratedText">All of the text; only in the last event.</param>
/// <param name="Details">Only in the last event, where they are asked for.</param>
internal sealed record StreamResponse(
    int Index,
    GeneratedToken Token,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<GeneratedToken>? TopTokens,
    string? GeneratedText,
    StreamDetails? Details);

/// <summary>How a streamed text came about.</summary>
/// <param name="FinishReason">Why it ended.</param>
/// <param name="GeneratedTokens">Its tokens, with one that ended it.</param>
/// <param name="Seed">What the draws began with, or null where none were made.</param>
/// <param name="InputLength">Tokens of the prompt.</param>
internal sealed record StreamDetails(string FinishReason, int GeneratedTokens, ulong? Seed, int InputLength);
