namespace Formation.Inference.Gateway.Anthropic.CountTokens;

/// <summary>The answer of <c>POST /v1/messages/count_tokens</c>.</summary>
/// <param name="InputTokens">Tokens of the prompt, the chat template's included.</param>
internal sealed record TokenCount(int InputTokens);
