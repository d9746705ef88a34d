using Formation.Inference.Node.Stages.Connections;

namespace Formation.Inference.Node.Stages.Chain;

/// <summary>A stage as its head sees it. Changed under the chain's lock.</summary>
internal sealed class ChainMember(StageEndpoint endpoint, StageConnection connection)
{
    public StageEndpoint Endpoint => endpoint;

    public StageConnection Connection => connection;

    /// <summary>Whether it wants to be told which requests are traced.</summary>
    public bool TakesTraces { get; init; }

    /// <summary>Why it is lost, or null.</summary>
    public string? Loss { get; set; }

    /// <summary>Whether what it sent can't be trusted, so that what it holds can't be either.</summary>
    public bool IsFaulty { get; set; }

    /// <summary>Why it wants to leave, or null.</summary>
    public string? Draining { get; set; }

    /// <summary>Known to it and the stage before it.</summary>
    public Guid LinkToken { get; set; }

    /// <summary>The stage before it, as long as nobody has said that the link to it is lost.</summary>
    public ChainMember? LinkedTo { get; set; }

    /// <summary>Whether it lacks the keys and values of the live sequences.</summary>
    public bool NeedsRebuild { get; set; }
}
