using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Formation.Inference.Cluster.Routing;

namespace Formation.Inference.Cluster.Tests.Fakes;

/// <summary>Heads that do what a test tells them, each by its replica's id; without a script one is honest.</summary>
sealed class ScriptedHeads : IHeadClient
{
    readonly ConcurrentQueue<(string Replica, GenerationRequest Request)> _asked = new();
    readonly ConcurrentDictionary<string, Func<GenerationRequest, CancellationToken, IAsyncEnumerable<GenerationEvent>>> _scripts = new();

    /// <summary>Who was asked what, in order.</summary>
    public IReadOnlyList<(string Replica, GenerationRequest Request)> Asked => [.. _asked];

    /// <summary>Attempts that have not ended.</summary>
    public int Open { get; private set; }

    public static Replica Replica(string id, string? head = null, bool isReady = true) =>
        new(id, $"node of {id}", TestRegistry.Pin(head ?? id), ["127.0.0.1:1"]) { IsReady = isReady };

    public void Script(string replica, Func<GenerationRequest, IAsyncEnumerable<GenerationEvent>> script) =>
        _scripts[replica] = (request, _) => script(request);

    public void Script(string replica, Func<GenerationRequest, CancellationToken, IAsyncEnumerable<GenerationEvent>> script) => _scripts[replica] = script;

    /// <summary>A head that says some events and is then lost.</summary>
    public void Lose(string replica, HeadLoss loss, Func<GenerationRequest, IEnumerable<GenerationEvent>>? before = null) =>
        Script(replica, request => ThenLost((before ?? (_ => []))(request), loss));

    public void Fail(string replica, GenerationErrorKind kind) =>
        Script(replica, _ => new[] { new GenerationFailed(new GenerationError(kind, $"scripted {kind}")) }.ToAsyncEnumerable());

    /// <summary>
    /// What an honest head says: each choice has ten tokens of the text <c>choice.token,</c>, and where it is continued, what is missing.
    /// </summary>
    public static IEnumerable<GenerationEvent> Honest(GenerationRequest request)
    {
        var limit = Math.Min(request.Stop.MaxTokens ?? 10, 10);
        yield return new GenerationStarted(3) { MaxTokens = limit };
        var before = request.Continuation?.Choices ?? [.. Enumerable.Repeat(new ContinuedChoice(), request.Choices)];
        for (var choice = 0; choice < request.Choices; choice++)
            if (request.EchoPrompt && before[choice] is { IsEchoed: false, IsFinished: false })
                yield return new GenerationDelta(choice, "prompt", []) { IsEcho = true };
        for (var token = 0; token < limit; token++)
            for (var choice = 0; choice < request.Choices; choice++)
                if (!before[choice].IsFinished && token >= before[choice].TokenIds.Count)
                    yield return new GenerationDelta(choice, $"{choice}.{token},", []) { TokenIds = [token] };
        for (var choice = 0; choice < request.Choices; choice++)
            if (!before[choice].IsFinished)
                yield return new GenerationFinished(choice, FinishReason.Length, limit) { CachedPromptTokens = request.Continuation is null ? 1 : 2 };
    }

    public async IAsyncEnumerable<GenerationEvent> GenerateAsync(
        Replica replica, GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        _asked.Enqueue((replica.Id, request));
        Open++;
        try
        {
            var events = _scripts.TryGetValue(replica.Id, out var script) ? script(request, cancellationToken) : Honest(request).ToAsyncEnumerable();
            await foreach (var next in events.WithCancellation(cancellationToken))
                yield return next;
        }
        finally
        {
            Open--;
        }
    }

    /// <summary>Runs the same script: vectors come where it ends as an honest head does, one number for each input.</summary>
    public async Task<Outcome<EmbeddingAnswer>> EmbedAsync(Replica replica, EmbeddingRequest request, CancellationToken cancellationToken)
    {
        var generation = new GenerationRequest
        {
            RequestId = request.RequestId,
            ModelId = request.ModelId,
            AccountId = request.AccountId,
            Prompt = request.Inputs[0],
        };
        await foreach (var next in GenerateAsync(replica, generation, cancellationToken))
            if (next is GenerationFailed { Error: var error })
                return error;
        return new EmbeddingAnswer([.. request.Inputs.Select((_, i) => new InputEmbedding(1, 1, [i]))]);
    }

    static async IAsyncEnumerable<GenerationEvent> ThenLost(IEnumerable<GenerationEvent> events, HeadLoss loss)
    {
        await Task.Yield();
        foreach (var next in events)
            yield return next;
        throw new HeadLostException(loss, $"scripted {loss}");
    }
}
