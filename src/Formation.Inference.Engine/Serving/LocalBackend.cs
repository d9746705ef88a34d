using System.Runtime.CompilerServices;
using Formation.Inference.Engine.Sequences;

namespace Formation.Inference.Engine.Serving;

/// <summary>
/// The gateway's view of the models in this process: finds the model (loading it where needed), makes tokens of the prompt on the caller's
/// thread, and hands the request to the model's engine.
/// </summary>
public sealed class LocalBackend : IInferenceBackend
{
    static readonly TimeSpan CrowdedRetry = TimeSpan.FromSeconds(1);

    readonly ModelPool _models;

    // Rendering and tokenizing are pure computation: more of it at once than cores only takes time from the engines.
    readonly SemaphoreSlim _encoding;
    long _vectorValues;

    /// <param name="models">The models.</param>
    /// <param name="maxConcurrentPrompts">Prompts that are tokenized at the same time; the number of cores is a good one.</param>
    public LocalBackend(ModelPool models, int maxConcurrentPrompts)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxConcurrentPrompts, 1);
        _models = models;
        _encoding = new SemaphoreSlim(maxConcurrentPrompts);
    }

    public async IAsyncEnumerable<GenerationEvent> GenerateAsync(
        GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (EngineErrors.NotRouted(request.Routing) is { } elsewhere)
        {
            yield return new GenerationFailed(elsewhere);
            yield break;
        }

        var (lease, unavailable) = await _models.AcquireAsync(request.ModelId, cancellationToken);
        if (lease is null)
        {
            yield return new GenerationFailed(unavailable!);
            yield break;
        }

        using (lease)
        {
            var (tokens, unfit) = await EncodeAsync(token => lease.Model.Encoder.Encode(request, token), cancellationToken);
            if (unfit is not null)
            {
                yield return new GenerationFailed(unfit);
                yield break;
            }

            if (request.Choices == 0)
            {
                yield return new GenerationStarted(tokens.Length);
                if (request.EchoPrompt)
                    yield return lease.Model.Encoder.Show(request.Prompt, tokens);
                yield break;
            }

            var generation = lease.Model.Engine.Submit(lease.Model.Encoder.Complete(request), tokens);
            using var cancellation = cancellationToken.Register(generation.Cancel);
            try
            {
                await foreach (var next in generation.Events.ReadAllAsync(cancellationToken))
                    yield return next;

                // Who cancels is told so in any case, also where the request had ended by then.
                cancellationToken.ThrowIfCancellationRequested();
            }
            finally
            {
                // Also where the reader just stopped reading; after the end it changes nothing.
                generation.Cancel();
            }
        }
    }

    /// <summary>Values of vectors that may be computed at the same time. Default: 256 MiB of them.</summary>
    internal long MaxVectorValues { get; init; } = 4L * EmbeddingRequest.MaxValues;

    public async Task<Outcome<EmbeddingAnswer>> EmbedAsync(EmbeddingRequest request, CancellationToken cancellationToken)
    {
        var (lease, unavailable) = await _models.AcquireAsync(request.ModelId, cancellationToken);
        if (lease is null)
            return unavailable!;
        using (lease)
        {
            var (inputs, unfit) = await EncodeAsync(
                token => lease.Model.Inputs.Encode(request, token), cancellationToken);
            if (unfit is not null)
                return unfit;
            var values = lease.Model.Inputs.ValuesOf(request, inputs);
            if (Interlocked.Add(ref _vectorValues, values) > MaxVectorValues)
            {
                Interlocked.Add(ref _vectorValues, -values);
                return EngineErrors.EmbeddingsCrowded(CrowdedRetry);
            }

            try
            {
                return await ComputeAsync(lease.Model.Engine.Submit(request, inputs), cancellationToken);
            }
            finally
            {
                Interlocked.Add(ref _vectorValues, -values);
            }
        }
    }

    static async Task<Outcome<EmbeddingAnswer>> ComputeAsync(Generation generation, CancellationToken cancellationToken)
    {
        using var cancellation = cancellationToken.Register(generation.Cancel);
        try
        {
            await foreach (var next in generation.Events.ReadAllAsync(cancellationToken))
                if (next is GenerationFailed { Error: var error })
                    return error;
        }
        finally
        {
            generation.Cancel();
        }

        cancellationToken.ThrowIfCancellationRequested();
        return generation.Embedding!.Answer;
    }

    async Task<T> EncodeAsync<T>(Func<CancellationToken, T> encode, CancellationToken cancellationToken)
    {
        await _encoding.WaitAsync(cancellationToken);
        try
        {
            return encode(cancellationToken);
        }
        finally
        {
            _encoding.Release();
        }
    }
}
