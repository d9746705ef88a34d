namespace Formation.Inference.Cluster.Nodes;

/// <summary>Times of the control plane.</summary>
public sealed record NodeRegistryOptions
{
    /// <summary>How often a node lets itself be heard.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>A node that is silent for longer is lost. With the time between two looks, silence is seen in less than 3 s.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How often the registry looks for nodes whose lease has run out.</summary>
    public TimeSpan LookInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How often a node measures its ways to the others again.</summary>
    public TimeSpan ProbeInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Whether other gateways admit nodes to the same store.</summary>
    public bool IsShared { get; init; }

    /// <summary>How long a join token may be good for at most.</summary>
    public TimeSpan LongestTokenLifetime { get; init; } = TimeSpan.FromDays(30);
}
