namespace Formation.Inference.Cluster.Relays;

/// <summary>Limits of a relay.</summary>
public sealed record RelayOptions
{
    /// <summary>Relayed connections at once. Each takes two connections of the gateway's port for nodes, and up to 300 KiB. Default 512.</summary>
    public int MaxConnections { get; init; } = 512;

    /// <summary>Of these the ones that one node and its workers have a part in. Default 256.</summary>
    public int MaxConnectionsPerNode { get; init; } = 256;

    /// <summary>
    /// Calls at once that a node has not answered. They wait in its control stream beside other messages, of which there may be only few. Default 32.
    /// </summary>
    public int MaxCallsPerNode { get; init; } = 32;

    /// <summary>How long somebody may take from the handshake to the question. Default 5 s.</summary>
    public TimeSpan QuestionTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a ticket is good for. Default 5 s.</summary>
    public TimeSpan AnswerTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A connection on which nothing moved for so long is ended. What runs through relays is heard of more often. Default 120 s.</summary>
    public TimeSpan IdleTime { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>An end that takes nothing of what waits for it for so long is given up, and the other with it. Default 30 s.</summary>
    public TimeSpan StallTime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long what is under way may take to go out once one end has closed. Default 2 s.</summary>
    public TimeSpan LingerTime { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How often connections are looked at for the last two. Default 5 s.</summary>
    public TimeSpan LookInterval { get; init; } = TimeSpan.FromSeconds(5);
}
