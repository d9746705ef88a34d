using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Nodes;

/// <summary>A node as the registry knows it at one moment.</summary>
/// <param name="Record">What the gateway decided about it.</param>
/// <param name="State">Whether it can be used.</param>
/// <param name="Reason">How it came into this state.</param>
/// <param name="Since">Since when.</param>
/// <param name="LastSeen">When it was last heard of since this gateway started, or null.</param>
/// <param name="Report">What it last said of itself since this gateway started, or null.</param>
public sealed record NodeStatus(
    NodeRecord Record, NodeState State, string Reason, DateTimeOffset Since, DateTimeOffset? LastSeen, NodeReport? Report)
{
    public string Name => Record.Name;

    /// <summary>What it last said of its workers since this gateway started, by their ids.</summary>
    public IReadOnlyDictionary<string, WorkerReport> Workers { get; init; } = new Dictionary<string, WorkerReport>();

    /// <summary>Whether new work may go there.</summary>
    public bool TakesWork => State == NodeState.Online && !Record.IsDraining;
}

/// <summary>Another node, as a node has to know it to speak with it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Pin">The key that its connections must show.</param>
/// <param name="Addresses">Where it can be dialled, best first; empty where it can't.</param>
/// <param name="IsOnline">Whether the gateway hears of it.</param>
public sealed record NodePeer(string Name, KeyPin Pin, IReadOnlyList<string> Addresses, bool IsOnline);
