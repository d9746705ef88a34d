using System.Globalization;

namespace Formation.Inference.Engine.Serving;

/// <summary>The expected failures of a generation, worded in one place.</summary>
internal static class EngineErrors
{
    static readonly TimeSpan ShortestRetry = TimeSpan.FromSeconds(1), LongestRetry = TimeSpan.FromMinutes(1);

    public static GenerationError ModelNotFound(string modelId) =>
        new(GenerationErrorKind.ModelNotFound, $"The model '{modelId}' does not exist; the list of models shows those that do.")
        {
            Parameter = nameof(GenerationRequest.ModelId),
        };

    public static GenerationError QueueFull(int limit, TimeSpan typicalLatency) =>
        new(GenerationErrorKind.QueueFull, Invariant($"The queue of this model is full ({limit} requests wait). Try again later."))
        {
            // A place in the queue becomes free about as often as requests end; the bounds keep clients from hammering or giving up.
            RetryAfter = TimeSpan.FromTicks(Math.Clamp(typicalLatency.Ticks, ShortestRetry.Ticks, LongestRetry.Ticks)),
        };

    public static GenerationError ShuttingDown() =>
        new(GenerationErrorKind.ShuttingDown, "The server is shutting down.") { RetryAfter = ShortestRetry };

    public static GenerationError EngineFailed() =>
        new(GenerationErrorKind.Internal, "The engine failed while it computed this request. The server's log tells why.");

    public static GenerationError StageLost(TimeSpan waited) =>
        new(GenerationErrorKind.ModelUnavailable,
            Invariant($"A node with a part of this model was lost, and none could take its place within {waited.TotalSeconds:F0} s. Try again later."))
        {
            RetryAfter = LongestRetry,
        };

    public static GenerationError NonFiniteLogits() =>
        new(GenerationErrorKind.Internal, "The model gave logits that are not finite numbers, so no token could be drawn.");

    /// <summary>Refuses what only replicas on nodes can be, or null.</summary>
    public static GenerationError? NotRouted(RoutingRequirements? required) => required switch
    {
        { Region: not null } => Invalid(
            "This model is served by the gateway's own process, which has no region; leave the region out, or ask for a model that is deployed.",
            $"{nameof(GenerationRequest.Routing)}.{nameof(RoutingRequirements.Region)}"),
        { MinReplicas: > 1 } => Invalid(
            "This model is served by the gateway's own process alone, so there is one replica of it.",
            $"{nameof(GenerationRequest.Routing)}.{nameof(RoutingRequirements.MinReplicas)}"),
        _ => null,
    };

    public static GenerationError FormatRefused(string reason) =>
        Invalid($"The output can't be held to this format: {reason}.", nameof(GenerationRequest.Format));

    public static GenerationError ToolsRefused(string reason) =>
        Invalid($"The answer can't be held to calls of these tools: {reason}.", nameof(GenerationRequest.ToolUse));

    public static GenerationError FormatFailed(string reason) =>
        Invalid($"The output can't be held to its format any further: {reason}.", nameof(GenerationRequest.Format));

    public static GenerationError EmptyPrompt() =>
        Invalid("The prompt has no tokens; give at least one.", nameof(GenerationRequest.Prompt));

    public static GenerationError EmptyInput(string what) =>
        Invalid($"{what} has no tokens; give at least one.", nameof(EmbeddingRequest.Inputs));

    public static GenerationError InputTooLong(string what, int tokens, bool isCountCut, int contextLength) =>
        new(GenerationErrorKind.ContextLengthExceeded,
            Invariant($"{what} has {(isCountCut ? "at least " : "")}{tokens} tokens, but this model's context is {contextLength}. Shorten it."))
        {
            Parameter = nameof(EmbeddingRequest.Inputs),
        };

    public static GenerationError TooManyTokens(int limit) =>
        Invalid(Invariant($"The inputs have more than {limit} tokens together, which is the limit. Send them in several requests."),
            nameof(EmbeddingRequest.Inputs));

    public static GenerationError TooManyValues(long values, int limit) =>
        Invalid(Invariant($"The vectors would have {values} values together, but an answer has {limit} at most. Send fewer inputs at a time, or ask for fewer dimensions."),
            nameof(EmbeddingRequest.Inputs));

    public static GenerationError TooManyDimensions(int dimensions, int width) =>
        Invalid(Invariant($"{dimensions} dimensions are asked for, but this model's vectors have {width}."), nameof(EmbeddingRequest.Dimensions));

    public static GenerationError ModelIsReranker(string modelId) =>
        Invalid($"The model '{modelId}' is a reranker: it scores pairs of texts and makes no vectors. Name another model.", nameof(EmbeddingRequest.ModelId));

    public static GenerationError PoolingUnknown(string modelId) =>
        Invalid($"The file of the model '{modelId}' asks for a way of pooling that this engine does not know, so it can't embed. Name another model.",
            nameof(EmbeddingRequest.ModelId));

    public static GenerationError EmbeddingsCrowded(TimeSpan retryAfter) =>
        new(GenerationErrorKind.QueueFull, "Too many vectors are being computed at once. Try again later.") { RetryAfter = retryAfter };

    public static GenerationError NonFiniteVector() =>
        new(GenerationErrorKind.Internal, "The model gave hidden states that are not finite numbers, so there is no vector.");

    public static GenerationError TokenOutOfRange(string what, int tokenId, int vocabularySize, string parameter) =>
        Invalid(Invariant($"{what} has token id {tokenId}, but this model's ids run from 0 to {vocabularySize - 1}."), parameter);

    public static GenerationError ContinuationUnfit(string reason) =>
        Invalid($"The request can't be continued: {reason}.", nameof(GenerationRequest.Continuation));

    public static GenerationError TemplateFailed(string reason) =>
        Invalid($"The model's chat template refused the messages: {reason}", nameof(GenerationRequest.Prompt));

    public static GenerationError CannotInfill(string modelId) =>
        Invalid($"The model '{modelId}' can't fill gaps: its vocabulary has no fill-in-the-middle tokens. Leave the suffix out, or name a model that has them.",
            nameof(InfillPrompt.Suffix));

    public static GenerationError PromptTooLong(Prompt prompt, int promptTokens, bool isCountCut, int contextLength) =>
        new(GenerationErrorKind.ContextLengthExceeded,
            Invariant($"{Name(prompt)} has {(isCountCut ? "at least " : "")}{promptTokens} tokens, but this model's context is {contextLength}, ")
            + "of which the completion needs at least one. Shorten the prompt.")
        {
            Parameter = nameof(GenerationRequest.Prompt),
        };

    public static GenerationError CompletionTooLong(Prompt prompt, int promptTokens, int maxTokens, int contextLength) =>
        new(GenerationErrorKind.ContextLengthExceeded,
            Invariant($"{Name(prompt)} has {promptTokens} tokens and {maxTokens} more are asked for: {(long)promptTokens + maxTokens} in all, ")
            + Invariant($"but this model's context is {contextLength}. Shorten the prompt or ask for fewer tokens."))
        {
            Parameter = nameof(GenerationRequest.Prompt),
        };

    public static GenerationError TooLarge(string modelId, long needed, long budget) =>
        new(GenerationErrorKind.ModelUnavailable,
            Invariant($"The model '{modelId}' needs {Mebibytes(needed)} MiB, but the memory budget is {Mebibytes(budget)} MiB. ")
            + "Raise the budget or lower the context.");

    public static GenerationError NoRoom(string modelId, long needed, long budget, TimeSpan retryAfter) =>
        new(GenerationErrorKind.ModelUnavailable,
            Invariant($"The model '{modelId}' needs {Mebibytes(needed)} MiB, and models in use hold too much of the {Mebibytes(budget)} MiB. ")
            + "Try again later.")
        {
            RetryAfter = retryAfter,
        };

    public static GenerationError Removed(string modelId, TimeSpan retryAfter) =>
        Unavailable($"The model '{modelId}' was removed while it loaded.", retryAfter);

    public static GenerationError LoadFailed(string modelId, string reason, TimeSpan retryAfter) =>
        Unavailable($"The model '{modelId}' can't be loaded: {reason}", retryAfter);

    public static GenerationError LoadCrowded(string modelId, int waiting, TimeSpan retryAfter) =>
        Unavailable(Invariant($"The model '{modelId}' is loading, and {waiting} requests wait for it already."), retryAfter);

    static GenerationError Unavailable(string message, TimeSpan retryAfter) =>
        new(GenerationErrorKind.ModelUnavailable, message) { RetryAfter = retryAfter };

    static GenerationError Invalid(string message, string parameter) =>
        new(GenerationErrorKind.InvalidRequest, message) { Parameter = parameter };

    static string Name(Prompt prompt) => prompt is InfillPrompt ? "The prompt with its suffix" : "The prompt";

    static long Mebibytes(long bytes) => (bytes >> 20) + ((bytes & 0xFFFFF) == 0 ? 0 : 1);

    static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
