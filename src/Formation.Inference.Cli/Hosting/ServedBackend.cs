using Formation.Inference.Cluster.Routing;

namespace Formation.Inference.Cli.Hosting;

/// <summary>Step 4 of the request path: what is deployed goes to nodes, everything else to the engines of this process.</summary>
/// <param name="deployed">Which models are deployed.</param>
/// <param name="cluster">Serves those.</param>
/// <param name="local">Serves the others.</param>
sealed class ServedBackend(IReplicaDirectory deployed, IInferenceBackend cluster, IInferenceBackend local) : IInferenceBackend
{
    public IAsyncEnumerable<GenerationEvent> GenerateAsync(GenerationRequest request, CancellationToken cancellationToken) =>
        BackendOf(request.ModelId).GenerateAsync(request, cancellationToken);

    public Task<Outcome<EmbeddingAnswer>> EmbedAsync(EmbeddingRequest request, CancellationToken cancellationToken) =>
        BackendOf(request.ModelId).EmbedAsync(request, cancellationToken);

    IInferenceBackend BackendOf(string modelId) => deployed.IsDeployed(modelId) ? cluster : local;
}
