namespace Formation.Inference;

/// <summary>
/// Texts whose vectors are wanted, in no dialect. A dialect's mapping makes it, and checks what can be checked without the model; lengths, token
/// ids and the model's width are checked by the engine.
/// </summary>
public sealed record EmbeddingRequest
{
    /// <summary>The id under which logs, traces and responses speak of this request.</summary>
    public required string RequestId { get; init; }

    /// <summary>The id of the model, as the caller wrote it.</summary>
    public required string ModelId { get; init; }

    /// <summary>Whose request this is: the unit of fairness, and the salt of the prefix cache.</summary>
    public required string AccountId { get; init; }

    /// <summary>
    /// 1 to <see cref="MaxInputs"/> inputs, each a <see cref="TextPrompt"/> (which gets the begin and end tokens that the model's vocabulary asks for) or
    /// a <see cref="TokenPrompt"/> (used as it is).
    /// </summary>
    public required IReadOnlyList<Prompt> Inputs { get; init; }

    /// <summary>What happens to an input that the model's context has no room for.</summary>
    public InputTruncation Truncation { get; init; }

    /// <summary>Whether each vector is divided by its length (L2). A vector of zeros stays one.</summary>
    public bool Normalize { get; init; } = true;

    /// <summary>Leading values of each vector that are wanted, at least 1, or null for all. They are cut before the vector is normalised.</summary>
    public int? Dimensions { get; init; }

    /// <summary>What there is a vector for.</summary>
    public EmbeddingKind Kind { get; init; }

    /// <summary>Upper limit of the number of <see cref="Inputs"/>.</summary>
    public const int MaxInputs = 2048;

    /// <summary>Tokens that all inputs may have together, behind truncation.</summary>
    public const int MaxTokens = 300_000;

    /// <summary>Values that all vectors of an answer may have together: 64 MiB of them.</summary>
    public const int MaxValues = 1 << 24;
}

/// <summary>What happens to an input that is too long.</summary>
public enum InputTruncation
{
    /// <summary>The request is refused.</summary>
    None,

    /// <summary>Its end is left out.</summary>
    End,

    /// <summary>Its beginning is left out.</summary>
    Beginning,
}

/// <summary>What vectors stand for.</summary>
public enum EmbeddingKind
{
    /// <summary>One for each input, pooled as the model was trained.</summary>
    Input,

    /// <summary>One for each token of each input: what the model's last norm gives.</summary>
    Token,
}
