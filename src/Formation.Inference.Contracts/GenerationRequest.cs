namespace Formation.Inference;

/// <summary>
/// One generation as the engine runs it, in no dialect. A dialect's mapping makes it, and checks every value that can be checked without
/// the model (ranges, sizes, exclusive options), so that nothing below asks again. What needs the model (token counts, token ids in
/// the vocabulary, the template) is checked by the engine and answered with <see cref="GenerationFailed"/>.
/// </summary>
public sealed record GenerationRequest
{
    /// <summary>The id under which logs, traces and responses speak of this request.</summary>
    public required string RequestId { get; init; }

    /// <summary>The id of the model, as the caller wrote it.</summary>
    public required string ModelId { get; init; }

    /// <summary>Whose request this is: the unit of fairness, and the salt of the prefix cache.</summary>
    public required string AccountId { get; init; }

    /// <summary>The text, messages or tokens to continue.</summary>
    public required Prompt Prompt { get; init; }

    public SamplingParams Sampling { get; init; } = SamplingParams.Default;

    /// <summary>When to stop.</summary>
    public StopConditions Stop { get; init; } = StopConditions.Default;

    /// <summary>How the model is to think before it answers a <see cref="ChatPrompt"/>, or null for what its template has it do.</summary>
    public ReasoningOptions? Reasoning { get; init; }

    /// <summary>What the text of each choice must be, behind a train of thought; or null for any text.</summary>
    public OutputFormat? Format { get; init; }

    /// <summary>How the tools of a <see cref="ChatPrompt"/> may be called, or null where text is all that is wanted.</summary>
    public ToolUse? ToolUse { get; init; }

    /// <summary>
    /// How many independent completions of the prompt to make, 1 to <see cref="MaxChoices"/>; or 0 to only count the prompt's tokens, which
    /// computes nothing and waits in no queue. Then sampling, stop conditions and log-probabilities say nothing, and <see cref="EchoPrompt"/> asks for
    /// the prompt's tokens: see <see cref="Tokenizing.TokenizeAsync"/>.
    /// </summary>
    public int Choices { get; init; } = 1;

    /// <summary>Log-probabilities to report, or null for none.</summary>
    public LogprobOptions? Logprobs { get; init; }

    /// <summary>
    /// Whether the prompt's own text (and, where <see cref="Logprobs"/> is set, its tokens' log-probabilities) comes back as the first
    /// delta of each choice (completions' <c>echo</c>).
    /// </summary>
    public bool EchoPrompt { get; init; }

    /// <summary>Which replicas may work on it, or null for any. Of a concern to whoever chooses among them, not to the one that is chosen.</summary>
    public RoutingRequirements? Routing { get; init; }

    /// <summary>
    /// The time, in the zone that counts, that the model's chat template may show, or null for the engine's own clock.
    /// </summary>
    public DateTimeOffset? TemplateTime { get; init; }

    /// <summary>What another engine has delivered of this request before it was lost, or null for a new request.</summary>
    public Continuation? Continuation { get; init; }

    /// <summary>Upper limit of <see cref="Choices"/>.</summary>
    public const int MaxChoices = 128;
}
