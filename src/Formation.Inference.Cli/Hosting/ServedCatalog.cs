using Formation.Inference.Cluster.Deployments;

namespace Formation.Inference.Cli.Hosting;

/// <summary>The models of this process, and in their place those that are deployed.</summary>
/// <param name="local">The models of this process.</param>
/// <param name="controller">What is deployed.</param>
sealed class ServedCatalog(IModelCatalog local, DeploymentController controller) : IModelCatalog
{
    public IReadOnlyList<ModelDescription> List()
    {
        var deployed = controller.List().Select(Describe).ToDictionary(model => model.Id, StringComparer.Ordinal);
        return
        [
            .. local.List().Where(model => !deployed.ContainsKey(model.Id)).Concat(deployed.Values).OrderBy(model => model.Id, StringComparer.Ordinal),
        ];
    }

    public ModelDescription? Find(string modelId) => controller.Find(modelId) is { } deployment ? Describe(deployment) : local.Find(modelId);

    private static ModelDescription Describe(DeploymentStatus status)
    {
        var (deployment, model) = (status.Deployment, status.Deployment.Model);
        var contextLength = deployment.Spec.Placement.ContextLength;
        return new ModelDescription(
            deployment.ModelId, model.Created, "formation", contextLength, model.Shape.ParameterCount,
            status.IsReady ? ModelState.Ready : status.Replicas.Count == 0 ? ModelState.Available : ModelState.Loading,
            status.IsReady ? 1 : status.Replicas.Select(replica => replica.Progress).DefaultIfEmpty(0).Max())
        {
            Embedding = model.Shape.Embeds ? new EmbeddingTraits(model.Shape.HiddenSize, contextLength) : null,
            Abilities = model.Abilities,
        };
    }
}
