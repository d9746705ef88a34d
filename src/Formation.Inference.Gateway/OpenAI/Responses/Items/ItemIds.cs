namespace Formation.Inference.Gateway.OpenAI.Responses.Items;

/// <summary>
/// The ids of a response's items. Each holds the random part of the response's own id, so that an item is found by its id alone, and is as hard to guess.
/// </summary>
/// <param name="responseId">The response, <c>resp_…</c>.</param>
internal sealed class ItemIds(string responseId)
{
    internal const string ResponsePrefix = "resp_";

    readonly string _secret = responseId[ResponsePrefix.Length..];

    /// <summary>The id of an item that went in.</summary>
    internal string OfInput(string prefix, int index) => $"{prefix}_{_secret}_in{index}";

    /// <summary>The id of an item that came out.</summary>
    internal string OfOutput(string prefix, int index) => $"{prefix}_{_secret}_{index}";

    /// <summary>The response that an item is of, or null where it can't be of any of ours.</summary>
    internal static string? ResponseOf(string itemId) => itemId.Split('_') is [_, { Length: > 0 } secret, _] ? ResponsePrefix + secret : null;
}
