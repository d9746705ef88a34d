using System.Runtime.CompilerServices;
using System.Text;
using Script = System.Func<
    Formation.Inference.GenerationRequest, System.Threading.CancellationToken,
    System.Collections.Generic.IAsyncEnumerable<Formation.Inference.GenerationEvent>>;

namespace Formation.Inference.Gateway.Tests.Fakes;

/// <summary>What a <see cref="ScriptedBackend"/> can be told to do.</summary>
internal static class Scripts
{
    /// <summary>Every choice says these words, one token each, choices taking turns; 3 prompt tokens, of which 1 is cached.</summary>
    public static Script Words(params string[] words) => (request, _) => Of(WordEvents(request, words));

    /// <summary>The same behind a thought, <c>Hm.</c></summary>
    public static Script ThoughtAndWords(params string[] words) => (request, _) => Of(WordEvents(request, ["Hm.</think>\n\n", .. words]).Select(item => item is GenerationStarted started
        ? started with { Reasoning = new ReasoningSyntax("<think>", "</think>", "\n\n") { IsOpen = true } }
        : item));

    /// <summary>These events, whatever is asked.</summary>
    public static Script Events(params GenerationEvent[] events) => (_, _) => Of(events);

    /// <summary>These events, and then nothing until the request is cancelled.</summary>
    public static Script ThenWait(params GenerationEvent[] events) => (_, token) => ThenWaitAsync(events, token);

    /// <summary>These events, and then an exception that no backend should throw.</summary>
    public static Script ThenThrow(params GenerationEvent[] events) => (_, _) => ThenThrowAsync(events);

    public static GenerationFailed Failure(GenerationErrorKind kind, string? parameter = null, TimeSpan? retryAfter = null) =>
        new(new GenerationError(kind, $"scripted {kind}") { Parameter = parameter, RetryAfter = retryAfter });

    public static TokenLogprob Token(string text, float? logprob, params (string Text, float Logprob)[] top) =>
        new(0, Encoding.UTF8.GetBytes(text), logprob, [.. top.Select(t => new TokenAlternative(0, Encoding.UTF8.GetBytes(t.Text), t.Logprob))]);

    /// <summary>For each input 5 tokens and the vector (0.5, -1.25, 3), or its beginning where fewer dimensions are asked for.</summary>
    public static EmbeddingAnswer Vectors(EmbeddingRequest request) => new([.. request.Inputs.Select(_ =>
    {
        float[] vector = new[] { 0.5f, -1.25f, 3f }[..Math.Min(3, request.Dimensions ?? 3)];
        return request.Kind == EmbeddingKind.Input
            ? new InputEmbedding(5, vector.Length, vector)
            : new InputEmbedding(5, vector.Length, [.. Enumerable.Repeat(vector, 5).SelectMany(values => values)]);
    })]);

    /// <summary>A backend that shows each prompt's words as its tokens, behind one that begins every text; what generates says <c>Hello world</c>.</summary>
    public static Script ShownWords() => (request, _) => Of(ShownEvents(request));

    static IEnumerable<GenerationEvent> ShownEvents(GenerationRequest request)
    {
        if (request is not { Choices: 0, EchoPrompt: true })
            return WordEvents(request, ["Hello", " world"]);
        string text = request.Prompt switch
        {
            TextPrompt given => given.Text.Value,
            TokenPrompt ids => string.Concat(ids.TokenIds.Select(id => $" t{id}")),
            ChatPrompt chat => "<s>" + string.Concat(chat.Messages.Select(message => $"[{message.Role}] {message.Content?.Value}")),
            _ => "",
        };
        string[] words = [.. text.Replace("<s>", "").Split(' ').Select((word, i) => i == 0 ? word : " " + word).Where(word => word.Length > 0)];
        var tokens = new List<TokenLogprob> { new(1, "<s>"u8.ToArray(), null, []) { IsSpecial = true } };
        tokens.AddRange(words.Select((word, i) => new TokenLogprob(i + 10, Encoding.UTF8.GetBytes(word), null, [])));
        return [new GenerationStarted(tokens.Count), new GenerationDelta(0, text, tokens) { IsEcho = true }];
    }

    static IEnumerable<GenerationEvent> WordEvents(GenerationRequest request, string[] words)
    {
        yield return new GenerationStarted(3);
        foreach (string word in words)
            for (int choice = 0; choice < request.Choices; choice++)
            {
                TokenLogprob[] tokens = request.Logprobs is null ? [] : [Token(word, -0.25f, Alternatives(request.Logprobs.Top))];
                yield return new GenerationDelta(choice, word, tokens);
            }

        for (int choice = 0; choice < request.Choices; choice++)
            yield return new GenerationFinished(choice, FinishReason.Stop, words.Length) { CachedPromptTokens = 1 };

        (string, float)[] Alternatives(int count) => [.. Enumerable.Range(0, count).Select(i => ($"alt{i}", -0.25f - i))];
    }

    static async IAsyncEnumerable<GenerationEvent> Of(IEnumerable<GenerationEvent> events)
    {
        await Task.Yield();
        foreach (GenerationEvent item in events)
            yield return item;
    }

    static async IAsyncEnumerable<GenerationEvent> ThenWaitAsync(
        GenerationEvent[] events, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (GenerationEvent item in events)
            yield return item;
        await Task.Delay(Timeout.Infinite, cancellationToken);
    }

    static async IAsyncEnumerable<GenerationEvent> ThenThrowAsync(GenerationEvent[] events)
    {
        await Task.Yield();
        foreach (GenerationEvent item in events)
            yield return item;
        throw new InvalidTimeZoneException("scripted exception that quotes CANARY-MESSAGE");
    }
}
