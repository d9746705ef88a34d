using Formation.Inference.Gateway.Streaming;

namespace Formation.Inference.Gateway.OpenAI.Answers;

/// <summary>What a request used.</summary>
/// <param name="PromptTokens">Tokens of the prompt, or of all prompts together.</param>
/// <param name="CompletionTokens">Tokens generated, of all choices together.</param>
/// <param name="TotalTokens">Their sum.</param>
/// <param name="PromptTokensDetails">How many of the prompt's tokens were in the prefix cache.</param>
/// <param name="CompletionTokensDetails">Parts of the completion that OpenAI counts apart; of these there are trains of thought here.</param>
internal sealed record Usage(
    int PromptTokens,
    int CompletionTokens,
    int TotalTokens,
    PromptTokensDetails PromptTokensDetails,
    CompletionTokensDetails CompletionTokensDetails)
{
    internal static Usage From(UsageCount count) => new(
        count.PromptTokens,
        count.CompletionTokens,
        count.PromptTokens + count.CompletionTokens,
        new PromptTokensDetails(count.CachedTokens, 0),
        new CompletionTokensDetails(count.ReasoningTokens, 0, 0, 0));
}

/// <summary>Parts of the prompt's tokens.</summary>
internal sealed record PromptTokensDetails(int CachedTokens, int AudioTokens);

/// <summary>Parts of the completion's tokens.</summary>
internal sealed record CompletionTokensDetails(
    int ReasoningTokens, int AudioTokens, int AcceptedPredictionTokens, int RejectedPredictionTokens);
