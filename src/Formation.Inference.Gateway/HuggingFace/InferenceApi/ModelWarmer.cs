using System.Collections.Concurrent;
using Formation.Inference.Gateway.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Gateway.HuggingFace.InferenceApi;

/// <summary>Has a model loaded while the request that needed it has long been answered. Safe to use from any thread.</summary>
internal sealed class ModelWarmer(IInferenceBackend backend, IHostApplicationLifetime lifetime, RequestIds ids, ILogger<ModelWarmer> logger)
{
    readonly ConcurrentDictionary<string, Task> _loading = new(StringComparer.Ordinal);

    /// <summary>Begins to load a model, where this is not under way.</summary>
    /// <param name="modelId">A model of the catalogue.</param>
    /// <param name="accountId">Whose request needs it.</param>
    internal void Begin(string modelId, string accountId) => _loading.GetOrAdd(modelId, _ => Task.Run(() => LoadAsync(modelId, accountId)));

    async Task LoadAsync(string modelId, string accountId)
    {
        string requestId = "load_" + ids.Create();
        try
        {
            // Counting a prompt is the least that needs the model.
            var request = new GenerationRequest { RequestId = requestId, ModelId = modelId, AccountId = accountId, Prompt = new TokenPrompt([0]), Choices = 0 };
            await foreach (GenerationEvent _ in backend.GenerateAsync(request, lifetime.ApplicationStopping))
            {
            }
        }
        catch (OperationCanceledException)
        {
            // The server ends.
        }
        catch (Exception exception)
        {
            GatewayLog.RequestFailed(logger, requestId, exception);
        }
        finally
        {
            _loading.TryRemove(modelId, out _);
        }
    }
}
