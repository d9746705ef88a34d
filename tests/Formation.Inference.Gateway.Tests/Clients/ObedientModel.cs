using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Clients;

/// <summary>
/// A script that does what a request asks, as far as a client can see: stop strings, token limits, choices, log-probabilities; where it is held to a
/// format it says <c>{"city":"Paris"}</c>, and where it must call a tool it calls the first with that; where it is to think, it thinks <c>Let me see.</c> first. The model
/// <c>acme/big-1</c> fails after its first words.
/// </summary>
internal static class ObedientModel
{
    static readonly string[] Words = ["The", " quick", " brown", " fox", " jumps", " over", " the", " lazy", " dog", "."];

    public static IAsyncEnumerable<GenerationEvent> Script(GenerationRequest request, CancellationToken cancellationToken) =>
        Scripts.Events([.. Events(request)])(request, cancellationToken);

    /// <summary>What a request leaves no choice about, or null.</summary>
    static string? Held(GenerationRequest request)
    {
        const string Paris = "{\"city\":\"Paris\"}";
        if (request.ToolUse is not { Choice: ToolChoice.Required } use)
            return request.Format is null ? null : Paris;
        ToolCallSyntax syntax = ToolCallSyntax.Default;
        string name = use.Name ?? ((ChatPrompt)request.Prompt).Tools!.Value[0].GetProperty("function").GetProperty("name").GetString()!;
        return syntax.Opening + name + syntax.Between + Paris + syntax.After + syntax.End;
    }

    static IEnumerable<GenerationEvent> Events(GenerationRequest request)
    {
        bool thinks = request.Reasoning?.IsWanted == true;
        yield return new GenerationStarted(5) { Reasoning = thinks ? new ReasoningSyntax("<think>", "</think>", "\n\n") : null };
        if (request.ModelId == "acme/big-1")
        {
            yield return new GenerationDelta(0, Words[0], []);
            yield return Scripts.Failure(GenerationErrorKind.QueueFull);
            yield break;
        }

        for (int choice = 0; choice < request.Choices; choice++)
        {
            if (thinks)
                foreach (string part in (string[])["<think>\nLet me", " see.\n</th", "ink>\n\n"])
                    yield return new GenerationDelta(choice, part, []);
            if (Held(request) is { } held)
            {
                foreach (string part in held.Chunk(7).Select(letters => new string(letters)))
                    yield return new GenerationDelta(choice, part, []);
                yield return new GenerationFinished(choice, FinishReason.Stop, held.Length);
                continue;
            }

            int limit = Math.Min(Words.Length, request.Stop.MaxTokens ?? int.MaxValue);
            string text = string.Concat(Words.Take(limit));
            string? stop = request.Stop.Strings.Where(text.Contains).MinBy(text.IndexOf);
            string said = stop is null ? text : text[..text.IndexOf(stop, StringComparison.Ordinal)];
            TokenLogprob[] tokens = request.Logprobs is { Top: var top }
                ? [.. Words.Take(limit).Select(word => Scripts.Token(word, -0.5f, [.. Enumerable.Range(0, top).Select(i => ($"{i}", -0.5f - i))]))]
                : [];
            yield return new GenerationDelta(choice, said, tokens);
            FinishReason reason = stop is null && limit < Words.Length ? FinishReason.Length : FinishReason.Stop;

            // Where it ends by itself and its tokens are told, it does so with a token that is no text.
            bool ends = stop is null && reason == FinishReason.Stop && request.Logprobs is not null;
            yield return new GenerationFinished(choice, reason, ends ? limit + 1 : limit)
            {
                StopString = stop,
                EndTokens = ends ? [Scripts.Token("</s>", -0.5f) with { IsSpecial = true }] : [],
            };
        }
    }
}
