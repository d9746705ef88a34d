using System.Runtime.CompilerServices;

namespace Formation.Inference.Node.Tests.Heads;

/// <summary>A backend that says what a test tells it.</summary>
sealed class FakeBackend(Func<GenerationRequest, CancellationToken, IAsyncEnumerable<GenerationEvent>> script) : IInferenceBackend
{
    int _open;

    /// <summary>Says these events, whatever is asked.</summary>
    public FakeBackend(params GenerationEvent[] events)
        : this((_, _) => events.ToAsyncEnumerable())
    {
    }

    public static GenerationEvent[] Hello { get; } =
    [
        new GenerationStarted(3), new GenerationDelta(0, "Hello", []) { TokenIds = [7] }, new GenerationFinished(0, FinishReason.Stop, 2),
    ];

    public static GenerationRequest Request { get; } = new()
    {
        RequestId = "request",
        ModelId = HeadNetwork.ModelId,
        AccountId = "account",
        Prompt = new TextPrompt("prompt"),
    };

    /// <summary>Requests that have not ended.</summary>
    public int Open => Volatile.Read(ref _open);

    public GenerationRequest? Last { get; private set; }

    /// <summary>Begins, and then says nothing until it is cancelled.</summary>
    public static FakeBackend Silent() => new((_, cancellationToken) => ThenWait(cancellationToken));

    public async IAsyncEnumerable<GenerationEvent> GenerateAsync(
        GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Last = request;
        Interlocked.Increment(ref _open);
        try
        {
            await foreach (var next in script(request, cancellationToken).WithCancellation(cancellationToken))
                yield return next;
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    /// <summary>What the next requests for embeddings get.</summary>
    public Func<EmbeddingRequest, CancellationToken, Task<Outcome<EmbeddingAnswer>>> Embedder { get; set; } = (_, _) =>
        throw new InvalidOperationException("this test embeds nothing");

    public EmbeddingRequest? LastEmbedding { get; private set; }

    public async Task<Outcome<EmbeddingAnswer>> EmbedAsync(EmbeddingRequest request, CancellationToken cancellationToken)
    {
        LastEmbedding = request;
        Interlocked.Increment(ref _open);
        try
        {
            return await Embedder(request, cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    static async IAsyncEnumerable<GenerationEvent> ThenWait([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return new GenerationStarted(3);
        await Task.Delay(Timeout.Infinite, cancellationToken);
    }
}
