using System.Runtime.CompilerServices;

namespace Formation.Inference.Engine.Serving;

/// <summary>
/// The gateway's view of the models in this process: finds the model (loading it where needed), makes tokens of the prompt on the caller's
/// thread, and hands the request to the model's engine.
/// </summary>
public sealed class LocalBackend : IInferenceBackend
{
    readonly ModelPool _models;

    // Rendering and tokenizing are pure computation: more of it at once than cores only takes time from the engines.
    readonly SemaphoreSlim _encoding;

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
        var (lease, unavailable) = await _models.AcquireAsync(request.ModelId, cancellationToken);
        if (lease is null)
        {
            yield return new GenerationFailed(unavailable!);
            yield break;
        }

        using (lease)
        {
            var (tokens, unfit) = await EncodeAsync(lease.Model.Encoder, request, cancellationToken);
            if (unfit is not null)
            {
                yield return new GenerationFailed(unfit);
                yield break;
            }

            if (request.Choices == 0)
            {
                yield return new GenerationStarted(tokens.Length);
                yield break;
            }

            var generation = lease.Model.Engine.Submit(lease.Model.Encoder.Complete(request), tokens);
            using var cancellation = cancellationToken.Register(generation.Cancel);
            try
            {
                await foreach (var next in generation.Events.ReadAllAsync(cancellationToken))
                    yield return next;
            }
            finally
            {
                // Also where the reader just stopped reading; after the end it changes nothing.
                generation.Cancel();
            }
        }
    }

    async Task<(int[] Tokens, GenerationError? Error)> EncodeAsync(
        PromptEncoder encoder, GenerationRequest request, CancellationToken cancellationToken)
    {
        await _encoding.WaitAsync(cancellationToken);
        try
        {
            return encoder.Encode(request, cancellationToken);
        }
        finally
        {
            _encoding.Release();
        }
    }
}
