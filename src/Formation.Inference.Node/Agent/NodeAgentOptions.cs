using System.Net;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Node.Workers;

namespace Formation.Inference.Node.Agent;

/// <summary>What a node agent works with.</summary>
public sealed record NodeAgentOptions
{
    /// <summary>This node's key.</summary>
    public required NodeIdentity Identity { get; init; }

    /// <summary>The network that admitted it.</summary>
    public required Membership Membership { get; init; }

    /// <summary>Where to remember what gateways tell of each other.</summary>
    public required string Folder { get; init; }

    /// <summary>
    /// What the node can say of itself now: devices and memory. Name, addresses and links are the agent's to fill in. Asked every
    /// <see cref="ReportInterval"/>, so it measures nothing that takes long.
    /// </summary>
    public required Func<NodeReport> Inventory { get; init; }

    /// <summary>Where to let peers dial this node; null to dial out only, and be reached through relays. Port 0 takes a free one.</summary>
    public IPEndPoint? Listen { get; init; }

    /// <summary>Carries out what the gateway orders, or null where this node runs nothing. Belongs to the caller.</summary>
    public WorkerSupervisor? Workers { get; init; }

    /// <summary>How often to look whether there is something new to report.</summary>
    public TimeSpan ReportInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The clock of heartbeats, leases and waits.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>For the wait between two tries.</summary>
    public required Random Random { get; init; }

    /// <summary>Takes lines for people; on any thread.</summary>
    public Action<string> Progress { get; init; } = _ => { };
}
