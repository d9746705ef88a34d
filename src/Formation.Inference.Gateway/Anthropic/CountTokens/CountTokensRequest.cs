using Formation.Inference.Gateway.Anthropic.Conversations;

namespace Formation.Inference.Gateway.Anthropic.CountTokens;

/// <summary>The body of <c>POST /v1/messages/count_tokens</c>: what makes the prompt, and nothing else.</summary>
internal sealed class CountTokensRequest : ConversationFields;
