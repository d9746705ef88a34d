using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Formation.Inference.Gateway.Streaming;

/// <summary>Step 4 of the request path: runs a request's prompts on the backend and gives their events in one sequence.</summary>
internal static class PromptEvents
{
    /// <summary>
    /// Prompts of one request that run at once: a request with a hundred prompts must not fill the engine's queue by itself.
    /// </summary>
    const int MaxPromptsAtOnce = 16;

    /// <summary>Events that wait for a slow reader before its generations wait too.</summary>
    const int MaxEventsWaiting = 64;

    internal static IAsyncEnumerable<PromptEvent> RunAsync(
        IInferenceBackend backend, IReadOnlyList<GenerationRequest> requests, CancellationToken cancellationToken) =>
        requests.Count == 1 ? RunOneAsync(backend, requests[0], cancellationToken) : RunAllAsync(backend, requests, cancellationToken);

    static async IAsyncEnumerable<PromptEvent> RunOneAsync(
        IInferenceBackend backend, GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (GenerationEvent item in backend.GenerateAsync(request, cancellationToken))
            yield return new PromptEvent(0, item);
    }

    static async IAsyncEnumerable<PromptEvent> RunAllAsync(
        IInferenceBackend backend, IReadOnlyList<GenerationRequest> requests, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var channel = Channel.CreateBounded<PromptEvent>(MaxEventsWaiting);
        Task runs = RunToChannelAsync(backend, requests, channel.Writer, stop.Token);
        try
        {
            await foreach (PromptEvent item in channel.Reader.ReadAllAsync(cancellationToken))
            {
                yield return item;
                if (item.Event is GenerationFailed)
                    yield break;
            }
        }
        finally
        {
            // The reader may have left in the middle: nothing of the request may outlive it.
            await stop.CancelAsync();
            await runs;
        }
    }

    static async Task RunToChannelAsync(
        IInferenceBackend backend,
        IReadOnlyList<GenerationRequest> requests,
        ChannelWriter<PromptEvent> events,
        CancellationToken cancellationToken)
    {
        Exception? failure = null;
        try
        {
            var parallel = new ParallelOptions { MaxDegreeOfParallelism = MaxPromptsAtOnce, CancellationToken = cancellationToken };
            await Parallel.ForAsync(0, requests.Count, parallel, async (prompt, token) =>
            {
                await foreach (GenerationEvent item in backend.GenerateAsync(requests[prompt], token))
                    await events.WriteAsync(new PromptEvent(prompt, item), token);
            });
        }
        catch (Exception exception)
        {
            failure = exception;
        }

        events.TryComplete(failure);
    }
}
