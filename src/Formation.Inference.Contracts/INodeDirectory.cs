namespace Formation.Inference;

/// <summary>The nodes of a network and what an operator can do with them. Safe to call from any thread; never waits for a node.</summary>
public interface INodeDirectory
{
    /// <summary>All admitted nodes, ordered by name (ordinal).</summary>
    IReadOnlyList<NodeDescription> List();

    /// <summary>The node with this name, or null.</summary>
    NodeDescription? Find(string name);

    /// <summary>What happened to nodes, newest last.</summary>
    /// <param name="name">Of this node only, or null for all.</param>
    /// <param name="limit">How many of the newest.</param>
    IReadOnlyList<NodeEvent> Events(string? name, int limit);

    /// <summary>Says whether the node is to take no new work. The node as it is then, or null where there is none of that name.</summary>
    NodeDescription? SetDraining(string name, bool isDraining);

    /// <summary>Ends the node's admission and cuts its connections. False where there is none of that name.</summary>
    bool Remove(string name);

    /// <summary>Makes a token that admits one node.</summary>
    NodeInvitation Invite(NodeInvitationTerms terms);

    /// <summary>The gateways that share these nodes, ordered by their keys; one, where there are no others.</summary>
    IReadOnlyList<GatewayDescription> Gateways();
}

/// <summary>A gateway of the network.</summary>
/// <param name="Pin">SHA-256 of its public key, in hexadecimal.</param>
/// <param name="Urls">Where nodes reach it, best first.</param>
/// <param name="LastSeen">When it last said that it lives.</param>
/// <param name="IsOwn">Whether it is the one that answers.</param>
/// <param name="IsDeciding">Whether it decides about deployments.</param>
public sealed record GatewayDescription(string Pin, IReadOnlyList<string> Urls, DateTimeOffset LastSeen, bool IsOwn, bool IsDeciding);

/// <summary>What a gateway knows of a node.</summary>
/// <param name="Name">The name that it was admitted under.</param>
/// <param name="Pin">SHA-256 of its public key, in hexadecimal.</param>
/// <param name="State">Whether it can be used.</param>
/// <param name="Reason">How it came into this state, in words.</param>
/// <param name="Since">Since when it is in this state.</param>
/// <param name="Region">The region that it was admitted for; empty where that does not matter.</param>
/// <param name="Labels">What the operator says of it.</param>
/// <param name="IsTrusted">Whether work may go there that only trusted nodes may do.</param>
/// <param name="IsDraining">Whether it takes no new work.</param>
/// <param name="Joined">When it was admitted.</param>
/// <param name="LastSeen">When it was last heard of since this gateway started, or null.</param>
/// <param name="Report">What it last said of itself since this gateway started, or null.</param>
public sealed record NodeDescription(
    string Name,
    string Pin,
    NodeState State,
    string Reason,
    DateTimeOffset Since,
    string Region,
    IReadOnlyDictionary<string, string> Labels,
    bool IsTrusted,
    bool IsDraining,
    DateTimeOffset Joined,
    DateTimeOffset? LastSeen,
    NodeSelfDescription? Report);

/// <summary>What a node says of itself.</summary>
/// <param name="Version">Version of its program.</param>
/// <param name="Devices">What computes there.</param>
/// <param name="MemoryBytes">Memory that its operator gives to models.</param>
/// <param name="FreeMemoryBytes">What of it no model holds.</param>
/// <param name="Addresses">Where other nodes reach it: <c>host:port</c>, or <c>relay:PIN</c> through a gateway; empty where nobody can.</param>
/// <param name="Links">Its ways to other nodes, as far as measured.</param>
public sealed record NodeSelfDescription(
    string Version,
    IReadOnlyList<NodeDevice> Devices,
    long MemoryBytes,
    long FreeMemoryBytes,
    IReadOnlyList<string> Addresses,
    IReadOnlyList<NodeLink> Links);

/// <summary>Something that computes.</summary>
/// <param name="Name">What it is, for people.</param>
/// <param name="InstructionSet">The kernels that run there.</param>
/// <param name="Threads">Threads that compute.</param>
/// <param name="ReadBytesPerSecond">Bytes of weights it reads in a second; 0 where not measured.</param>
/// <param name="MultiplyAddsPerSecond">Multiply-adds in a second; 0 where not measured.</param>
public sealed record NodeDevice(string Name, string InstructionSet, int Threads, double ReadBytesPerSecond, double MultiplyAddsPerSecond);

/// <summary>The way to another node.</summary>
/// <param name="Peer">The other node's name.</param>
/// <param name="RoundTrip">Time of a small message there and back.</param>
/// <param name="BytesPerSecond">Bytes a second in one direction.</param>
/// <param name="IsRelayed">Whether it leads through a gateway.</param>
public sealed record NodeLink(string Peer, TimeSpan RoundTrip, double BytesPerSecond, bool IsRelayed);

/// <summary>Whether a node can be used.</summary>
public enum NodeState
{
    /// <summary>Admitted, and not heard of since this gateway started.</summary>
    Away,

    /// <summary>Connected and alive.</summary>
    Online,

    /// <summary>It said goodbye.</summary>
    Stopped,

    /// <summary>Its connection broke or it fell silent, without a word.</summary>
    Lost,
}

/// <summary>Something that happened to a node.</summary>
/// <param name="Time">When.</param>
/// <param name="Node">The node's name.</param>
/// <param name="Kind">What, in one word: <c>joined</c>, <c>online</c>, <c>lost</c>.</param>
/// <param name="Reason">Why, in words.</param>
public sealed record NodeEvent(DateTimeOffset Time, string Node, string Kind, string Reason);

/// <summary>What an invited node gets.</summary>
public sealed record NodeInvitationTerms
{
    /// <summary>How long the token is good for.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>The node's region, or null to take the one that it names itself.</summary>
    public string? Region { get; init; }

    /// <summary>Labels for placement.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether work may go there that only trusted nodes may do.</summary>
    public bool IsTrusted { get; init; }

    /// <summary>The host name under which the operator reached the gateway, or null: where others may reach it, too.</summary>
    public string? ReachedAs { get; init; }
}

/// <summary>What a new node needs.</summary>
/// <param name="Token">Admits one node; it can't be shown again.</param>
/// <param name="Gateway">URL for the node to dial.</param>
/// <param name="Expires">From when on the token is refused.</param>
/// <param name="IsReachableFromOutside">False where the gateway listens for nodes on its own machine only.</param>
public sealed record NodeInvitation(SensitiveText Token, Uri Gateway, DateTimeOffset Expires, bool IsReachableFromOutside);
