namespace Formation.Inference.Gateway.OpenAI.Answers;

/// <summary>One token with its log-probability.</summary>
/// <param name="Token">Its text; bytes that are not whole characters as <c>\xNN</c>.</param>
/// <param name="Logprob">Natural logarithm of its probability, -9999 at least.</param>
/// <param name="Bytes">Its bytes.</param>
/// <param name="TopLogprobs">The most probable tokens in its place.</param>
internal sealed record ChatTokenLogprob(string Token, float Logprob, IReadOnlyList<int> Bytes, IReadOnlyList<ChatTopLogprob> TopLogprobs)
{
    internal static ChatTokenLogprob From(TokenLogprob token) => new(
        TokenText.Of(token.Bytes),
        TokenText.Logprob(token.Logprob ?? 0),
        ChatTopLogprob.Numbers(token.Bytes),
        [.. token.Top.Select(ChatTopLogprob.From)]);
}

/// <summary>A token that could have stood in a place.</summary>
internal sealed record ChatTopLogprob(string Token, float Logprob, IReadOnlyList<int> Bytes)
{
    internal static ChatTopLogprob From(TokenAlternative token) =>
        new(TokenText.Of(token.Bytes), TokenText.Logprob(token.Logprob), Numbers(token.Bytes));

    /// <summary>Bytes as an array of numbers; as a byte array they would be written in base64.</summary>
    internal static IReadOnlyList<int> Numbers(ReadOnlyMemory<byte> bytes)
    {
        var numbers = new int[bytes.Length];
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = bytes.Span[i];
        return numbers;
    }
}
