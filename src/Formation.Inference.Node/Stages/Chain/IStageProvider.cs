using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Transports;

namespace Formation.Inference.Node.Stages.Chain;

/// <summary>A stage that has its weights in memory and waits for a head.</summary>
/// <param name="Name">For people: node and layers.</param>
/// <param name="Layers">What it computes.</param>
/// <param name="Address">Where the head, and where possible the stage before it, reaches it.</param>
/// <param name="Identity">Who is there.</param>
public sealed record StageEndpoint(string Name, LayerRange Layers, string Address, PeerIdentity Identity)
{
    /// <summary>Whether other stages can dial it; where not, it dials the stage before it. Default: they can.</summary>
    public bool AcceptsLinks { get; init; } = true;
}

/// <summary>A stage that was lost, or wants to leave.</summary>
/// <param name="Reason">What was seen.</param>
public sealed record LostStage(StageEndpoint Endpoint, string Reason)
{
    /// <summary>Whether it fell silent or could not be dialled: trying it again at once would cost time that another stage need not.</summary>
    public bool IsUnreachable { get; init; }

    /// <summary>Whether it works, and stays where nobody else comes.</summary>
    public bool IsLeaving { get; init; }
}

/// <summary>Knows which stages there are: placement, or a test.</summary>
public interface IStageProvider
{
    /// <summary>Finds stages for a range of layers.</summary>
    /// <param name="layers">What is needed.</param>
    /// <param name="lost">The stages that had them, in order; empty at the start.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <returns>Stages that have exactly these layers, in order; none where there are none, or those that want to leave are to stay.</returns>
    ValueTask<IReadOnlyList<StageEndpoint>> ProvideAsync(
        LayerRange layers, IReadOnlyList<LostStage> lost, CancellationToken cancellationToken);
}
