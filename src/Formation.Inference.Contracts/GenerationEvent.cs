namespace Formation.Inference;

/// <summary>What happens to a request, in the order in which it happens. See <see cref="IInferenceBackend"/> for the grammar.</summary>
public abstract record GenerationEvent
{
    private protected GenerationEvent() { }
}

/// <summary>The prompt was accepted: it fits, and waits for or has begun its prefill.</summary>
/// <param name="PromptTokens">Tokens of the prompt, template and BOS included.</param>
public sealed record GenerationStarted(int PromptTokens) : GenerationEvent
{
    /// <summary>
    /// Tokens that each choice may have at most here: what the request allows, or what the context has room for where that is less. Null where
    /// that is not known.
    /// </summary>
    public int? MaxTokens { get; init; }

    /// <summary>How calls of tools stand in the text, where <see cref="GenerationRequest.ToolUse"/> allows any.</summary>
    public ToolCallSyntax? ToolCalls { get; init; }

    /// <summary>How a train of thought stands in the text; null where the model has none, or begins with its answer.</summary>
    public ReasoningSyntax? Reasoning { get; init; }
}

/// <summary>New text of one choice: whole characters only, never a part of a stop string.</summary>
/// <param name="Choice">Index of the choice, from 0.</param>
/// <param name="Text">The text; may be empty where only tokens are reported.</param>
/// <param name="Tokens">The tokens behind the text where <see cref="GenerationRequest.Logprobs"/> is set, else empty.</param>
public sealed record GenerationDelta(int Choice, SensitiveText Text, IReadOnlyList<TokenLogprob> Tokens) : GenerationEvent
{
    /// <summary>
    /// The choice's next tokens that lie wholly inside its text so far, whether or not <see cref="GenerationRequest.Logprobs"/> is set: what a
    /// <see cref="Continuation"/> needs. Tokens are missing behind the last ones whose text is shown only when a choice ends. Empty for an echo.
    /// </summary>
    public IReadOnlyList<int> TokenIds { get; init; } = [];

    /// <summary>Whether this is the prompt's own text, sent back because <see cref="GenerationRequest.EchoPrompt"/> is set.</summary>
    public bool IsEcho { get; init; }
}

/// <summary>One choice has ended.</summary>
/// <param name="Choice">Index of the choice, from 0.</param>
/// <param name="Reason">Why.</param>
/// <param name="CompletionTokens">Tokens generated for this choice, an end-of-generation token included.</param>
public sealed record GenerationFinished(int Choice, FinishReason Reason, int CompletionTokens) : GenerationEvent
{
    /// <summary>The stop string that was found, or null.</summary>
    public string? StopString { get; init; }

    /// <summary>The stop token of the request that was drawn, or null.</summary>
    public int? StopTokenId { get; init; }

    /// <summary>
    /// Where <see cref="GenerationRequest.Logprobs"/> is set, the tokens that were drawn and are in no delta, because their text is not the choice's:
    /// those that a stop string reaches into, and the end-of-generation or stop token. At most <see cref="MaxEndTokens"/>, the first of them.
    /// </summary>
    public IReadOnlyList<TokenLogprob> EndTokens { get; init; } = [];

    /// <summary>Upper limit of <see cref="EndTokens"/>.</summary>
    public const int MaxEndTokens = 64;

    /// <summary>The nodes that held the model's layers at the end, the head's first; empty where the model lay in the gateway's own process.</summary>
    public IReadOnlyList<string> Nodes { get; init; } = [];

    /// <summary>Tokens of the prompt whose KV blocks were found in the prefix cache; the same in every choice's event.</summary>
    public int CachedPromptTokens { get; init; }

    /// <summary>Of the choice's tokens, how many are its train of thought, with what opens and closes it.</summary>
    public int ReasoningTokens { get; init; }
}

/// <summary>The request ended without a result, or in the middle of one. Always the last event.</summary>
public sealed record GenerationFailed(GenerationError Error) : GenerationEvent;

/// <summary>Why a choice ended.</summary>
public enum FinishReason
{
    /// <summary>The model ended its turn, or a stop condition of the request was met.</summary>
    Stop,

    /// <summary>The token limit or the end of the context was reached.</summary>
    Length,
}

/// <summary>One token with its log-probability.</summary>
/// <param name="TokenId">Index in the vocabulary.</param>
/// <param name="Bytes">The token's bytes; not always whole UTF-8 characters.</param>
/// <param name="Logprob">Natural logarithm of its probability; null for a prompt's first token, and where a prompt's tokens are only shown.</param>
/// <param name="Top">The most probable alternatives, most probable first.</param>
public sealed record TokenLogprob(int TokenId, ReadOnlyMemory<byte> Bytes, float? Logprob, IReadOnlyList<TokenAlternative> Top)
{
    /// <summary>Whether it is structure rather than text: its bytes are its name, and no part of the text.</summary>
    public bool IsSpecial { get; init; }
}

/// <summary>A token that could have stood in a position, with its log-probability.</summary>
public readonly record struct TokenAlternative(int TokenId, ReadOnlyMemory<byte> Bytes, float Logprob)
{
    /// <inheritdoc cref="TokenLogprob.IsSpecial"/>
    public bool IsSpecial { get; init; }
}
