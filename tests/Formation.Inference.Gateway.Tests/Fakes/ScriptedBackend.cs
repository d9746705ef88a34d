using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Formation.Inference.Gateway.Tests.Fakes;

/// <summary>A backend that does what a test says, and remembers what it was asked.</summary>
internal sealed class ScriptedBackend : IInferenceBackend
{
    int _running;

    public ConcurrentQueue<GenerationRequest> Requests { get; } = new();

    /// <summary>What the next requests get.</summary>
    public Func<GenerationRequest, CancellationToken, IAsyncEnumerable<GenerationEvent>> Script { get; set; } = Scripts.Words("Hello", " world");

    public ConcurrentQueue<EmbeddingRequest> Embeddings { get; } = new();

    /// <summary>What the next requests for embeddings get.</summary>
    public Func<EmbeddingRequest, CancellationToken, Task<Outcome<EmbeddingAnswer>>> Embedder { get; set; } = (request, _) =>
        Task.FromResult<Outcome<EmbeddingAnswer>>(Scripts.Vectors(request));

    /// <summary>Generations that were begun and have neither ended nor been cancelled.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>Completes when a generation was cancelled.</summary>
    public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async Task<Outcome<EmbeddingAnswer>> EmbedAsync(EmbeddingRequest request, CancellationToken cancellationToken)
    {
        Embeddings.Enqueue(request);
        Interlocked.Increment(ref _running);
        using CancellationTokenRegistration registration = cancellationToken.Register(() => Cancelled.TrySetResult());
        try
        {
            return await Embedder(request, cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    public async IAsyncEnumerable<GenerationEvent> GenerateAsync(
        GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Requests.Enqueue(request);
        Interlocked.Increment(ref _running);
        using CancellationTokenRegistration registration = cancellationToken.Register(() => Cancelled.TrySetResult());
        try
        {
            await foreach (GenerationEvent item in Script(request, cancellationToken).WithCancellation(cancellationToken))
                yield return item;
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }
}
