namespace Formation.Inference;

/// <summary>
/// How the next token is chosen from the logits. The steps run in this order: logit bias, repetition, frequency and presence penalties,
/// temperature, top-k, typical-p, top-p, min-p, draw.
/// </summary>
public sealed record SamplingParams
{
    public static SamplingParams Default { get; } = new();

    /// <summary>Divides the logits; 0 takes the most probable token. 0 to 100.</summary>
    public float Temperature { get; init; } = 1;

    /// <summary>Keep the k most probable tokens; 0 keeps all.</summary>
    public int TopK { get; init; }

    /// <summary>Keep the smallest set of most probable tokens whose probabilities sum to at least this. (0, 1]; 1 keeps all.</summary>
    public float TopP { get; init; } = 1;

    /// <summary>Keep tokens at least this fraction as probable as the most probable one. [0, 1]; 0 keeps all.</summary>
    public float MinP { get; init; }

    /// <summary>
    /// Locally typical sampling (Meister et al. 2022): keep the most typical tokens up to this mass. (0, 1]; 1 keeps all.
    /// </summary>
    public float TypicalP { get; init; } = 1;

    /// <summary>
    /// Divides positive and multiplies negative logits of tokens already seen in prompt or completion (CTRL, Keskar et al. 2019). 1 is off.
    /// </summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Subtracted for each time a token stands in the completion (OpenAI). -2 to 2.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Subtracted once where a token stands in the completion (OpenAI). -2 to 2.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Added to the logits of these token ids, -100 to 100 each, or null.</summary>
    public IReadOnlyDictionary<int, float>? LogitBias { get; init; }

    /// <summary>Makes the draws repeatable; null lets the engine choose.</summary>
    public long? Seed { get; init; }
}

/// <summary>When a choice ends.</summary>
public sealed record StopConditions
{
    public static StopConditions Default { get; } = new();

    /// <summary>
    /// Tokens to generate at most; null means up to the model's context. 0 is allowed with <see cref="GenerationRequest.EchoPrompt"/>.
    /// </summary>
    public int? MaxTokens { get; init; }

    /// <summary>
    /// Whether <see cref="MaxTokens"/> may be more than the context has room for behind the prompt: then the choice ends where the context does.
    /// Else such a request is refused.
    /// </summary>
    public bool EndsAtContext { get; init; }

    /// <summary>Do not end before this many tokens.</summary>
    public int MinTokens { get; init; }

    /// <summary>Texts that end the choice; they are not part of its text.</summary>
    public IReadOnlyList<string> Strings { get; init; } = [];

    /// <summary>Token ids that end the choice, besides the model's own end-of-generation tokens; they are not part of its text.</summary>
    public IReadOnlyList<int> TokenIds { get; init; } = [];

    /// <summary>Go on past the model's own end-of-generation tokens.</summary>
    public bool IgnoreEndOfGeneration { get; init; }
}

/// <summary>Log-probabilities (natural logarithm, of the model's distribution before sampling) to report.</summary>
/// <param name="Top">How many most probable alternatives to list for each token, 0 to 20.</param>
public sealed record LogprobOptions(int Top);
