namespace Formation.Inference.Gateway.Tests.Fakes;

/// <summary>One deployment of <c>large</c>; others are as a test asks for, except of models that nobody has.</summary>
internal sealed class FakeDeploymentDirectory : IDeploymentDirectory
{
    readonly Dictionary<string, DeploymentDescription> _deployments = new()
    {
        ["large"] = new DeploymentDescription(
            "large", DeploymentState.Degraded, "node b is lost", TestGateway.Now, 0.75,
            [
                new ReplicaDescription(
                    "0a", IsReady: true, 4, 21.5, 60, 20.25, 0, 2, 1, TimeSpan.FromSeconds(1.5),
                    [
                        new WorkerDescription("a", "head", 0, 10, "ready", 1, "", 3L << 30, 0),
                        new WorkerDescription("b", "stage", 10, 22, "loading", 0.5, "", 6L << 30, 1L << 30),
                    ]),
            ],
            [new WorkerDescription("c", "standby", 0, 0, "ready", 0, "", 6L << 30, 9L << 30)])
        {
            LeastReplicas = 1,
            MostReplicas = 3,
            IdleAfter = TimeSpan.FromMinutes(30),
            Change = "one replica more",
        },
    };

    /// <summary>What was asked for, in order.</summary>
    public List<DeploymentTerms> Asked { get; } = [];

    public IReadOnlyList<DeploymentDescription> List() => [.. _deployments.Values.OrderBy(deployment => deployment.ModelId, StringComparer.Ordinal)];

    public DeploymentDescription? Find(string modelId) => _deployments.GetValueOrDefault(modelId);

    public Task<DeploymentOutcome> DeployAsync(DeploymentTerms terms, CancellationToken cancellationToken)
    {
        Asked.Add(terms);
        if (terms.ModelId == "nobody's")
            return Task.FromResult(new DeploymentOutcome(null, "this server knows no model of that id.", nameof(DeploymentTerms.ModelId)));
        if (terms.Stages > 3)
            return Task.FromResult(new DeploymentOutcome(null, "4096 bytes are missing on a."));
        _deployments[terms.ModelId] = new DeploymentDescription(terms.ModelId, DeploymentState.Loading, "", TestGateway.Now, 0, [], []);
        return Task.FromResult(new DeploymentOutcome(_deployments[terms.ModelId]));
    }

    public bool Undeploy(string modelId) => _deployments.Remove(modelId);
}
