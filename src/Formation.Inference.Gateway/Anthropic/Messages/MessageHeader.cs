namespace Formation.Inference.Gateway.Anthropic.Messages;

/// <summary>What is known of an answer before it begins.</summary>
/// <param name="Id">Its id, <c>msg_…</c>.</param>
/// <param name="Model">The model.</param>
/// <param name="StopSequences">Those of the request.</param>
/// <param name="MaxTokens">The request's limit of the answer's tokens.</param>
/// <param name="RequestId">The request's id, which error events tell.</param>
internal sealed record MessageHeader(string Id, string Model, IReadOnlyList<string> StopSequences, int? MaxTokens, string RequestId);
