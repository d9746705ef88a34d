using Formation.Inference.Cluster.Deployments.Adapting;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Deployments;

/// <summary>Finds a model of the gateway and reads what placement has to know of it; null where there is none of that id.</summary>
/// <exception cref="ArgumentException">The model can't be deployed; the message says why.</exception>
public delegate Task<DeployedModel?> ReadModel(string modelId, string kvFormat, CancellationToken cancellationToken);

/// <summary>Deployments as the gateway's administration sees them.</summary>
/// <param name="controller">Carries them out.</param>
/// <param name="policy">Says beforehand whether there is room.</param>
/// <param name="read">Finds models.</param>
/// <param name="defaultContext">Positions promised to a sequence where the operator says nothing and the model has more.</param>
public sealed class DeploymentDirectory(DeploymentController controller, IPlacementPolicy policy, ReadModel read, int defaultContext) : IDeploymentDirectory
{
    public IReadOnlyList<DeploymentDescription> List() => [.. controller.List().Select(Describe)];

    public DeploymentDescription? Find(string modelId) => controller.Find(modelId) is { } deployment ? Describe(deployment) : null;

    public bool Undeploy(string modelId) => controller.Undeploy(modelId);

    public async Task<DeploymentOutcome> DeployAsync(DeploymentTerms terms, CancellationToken cancellationToken)
    {
        if (!Enum.TryParse<LinkPrecision>(terms.LinkPrecision, ignoreCase: true, out var precision) || !Enum.IsDefined(precision))
            return Refused("there is no such precision; use f32, bf16 or q8.", nameof(terms.LinkPrecision));
        try
        {
            if (await read(terms.ModelId, terms.KvFormat, cancellationToken) is not { } model)
                return Refused("this server knows no model of that id; 'form models add ID=PATH' makes one known.", nameof(terms.ModelId));
            if (terms.ContextLength > model.Shape.ContextLength)
                return Refused($"the model was made for {model.Shape.ContextLength} positions.", nameof(terms.ContextLength));
            var spec = SpecOf(terms, model, precision);
            var result = controller.Try(spec, model, policy);
            if (result.Plan is null)
                return Refused(string.Join("; ", result.Reasons.Concat(result.LeftOut.Select(left => $"node {left.Node}: {left.Reason}"))) + ".", null);
            controller.Deploy(spec, model);
            return new DeploymentOutcome(Find(terms.ModelId));
        }
        catch (ArgumentException error)
        {
            return Refused(error.Message, null);
        }
    }

    private static DeploymentOutcome Refused(string reason, string? parameter) => new(null, reason, parameter);

    private DeploymentSpec SpecOf(DeploymentTerms terms, DeployedModel model, LinkPrecision precision) => new()
    {
        ModelId = terms.ModelId,
        Replicas = terms.MostReplicas is { } most ? new ReplicaRange(terms.Replicas ?? 1, most) : null,
        IdleAfter = terms.IdleAfter,
        KvFormat = terms.KvFormat,
        Placement = new PlacementRequest
        {
            ContextLength = terms.ContextLength ?? Math.Min(model.Shape.ContextLength, defaultContext),
            Concurrency = terms.Concurrency ?? DeploymentSpec.DefaultConcurrency,
            Stages = terms.Stages,
            GroupSize = terms.AnyTensorParallel ? null : terms.TensorParallel ?? 1,
            TensorParallel = terms.AnyTensorParallel,
            Runtime = new RuntimeAbilities { TensorParallel = true },
            Replicas = terms.Replicas ?? (terms.MostReplicas is null ? null : 1),
            Spares = terms.Spares,
            Pins = [.. terms.Pins.Select(pin => new NodePin(pin.Node, new LayerSpan(pin.First, pin.Last - pin.First + 1)))],
            Regions = terms.Regions,
            Labels = terms.Labels,
            TrustedOnly = terms.TrustedOnly,
            LinkPrecision = precision,
        },
    };

    private static DeploymentDescription Describe(DeploymentStatus status)
    {
        var deployment = status.Deployment;
        return new DeploymentDescription(
            deployment.ModelId,
            StateOf(status),
            deployment.Waiting,
            deployment.Created,
            status.Replicas.Select(replica => replica.Progress).DefaultIfEmpty(0).Average(),
            [.. status.Replicas.Select(Describe)],
            [.. status.Standbys.Select(Describe)])
        {
            LeastReplicas = deployment.Spec.Replicas?.Min,
            MostReplicas = deployment.Spec.Replicas?.Max,
            IdleAfter = deployment.Spec.IdleAfter,
            Change = deployment.Change ?? "",
        };
    }

    private static DeploymentState StateOf(DeploymentStatus status)
    {
        if (status.Deployment.Asleep is not null)
            return DeploymentState.Idle;
        if (status.Replicas.Count == 0)
            return DeploymentState.Waiting;
        if (!status.IsReady)
            return DeploymentState.Loading;
        var isWhole = status.Replicas.Where(replica => replica.Assignment.Retiring is null).All(replica => replica.IsReady && replica.Workers.All(worker => worker.Report?.State == WorkerState.Ready))
            && status.Standbys.All(standby => standby.Report?.State == WorkerState.Ready);
        return isWhole && status.Deployment.Waiting.Length == 0 ? DeploymentState.Ready : DeploymentState.Degraded;
    }

    private static ReplicaDescription Describe(ReplicaStatus replica)
    {
        var figures = replica.Head?.Report?.Figures ?? default;
        var assignment = replica.Assignment;
        return new ReplicaDescription(
            assignment.Id, replica.IsReady, assignment.Sequences, assignment.Predicted.OneStream, assignment.Predicted.AllStreams,
            figures.OneStreamTokensPerSecond, figures.TokensPerSecond, figures.RunningRequests, figures.Recoveries,
            TimeSpan.FromSeconds(figures.LongestPauseSeconds), [.. replica.Workers.Select(Describe)])
        {
            IsRetiring = assignment.Retiring is not null,
        };
    }

    private static WorkerDescription Describe(WorkerStatus worker) => new(
        worker.Assignment.Node,
        worker.Assignment.Role.ToString().ToLowerInvariant(),
        worker.Assignment.Layers.First,
        worker.Assignment.Layers.Count,
        worker.Report?.State.ToString().ToLowerInvariant() ?? (worker.NodeState == NodeState.Online ? "ordered" : "unknown"),
        worker.Report?.Progress ?? 0,
        worker.Report?.Reason ?? (worker.NodeState == NodeState.Online ? "" : "its node is not online"),
        worker.Assignment.MemoryBytes,
        worker.Report?.FetchedBytes ?? 0);
}
