namespace Formation.Inference.Cluster.Nodes.Control;

/// <summary>What one side takes from the other on the control connection, whoever that is.</summary>
public static class ControlLimits
{
    /// <summary>The version of the protocol that this program speaks.</summary>
    public const int Protocol = 1;

    /// <summary>Bytes of the largest message that a gateway takes: a report with every list at its limit fits.</summary>
    public const int GatewayMessageBytes = 512 * 1024;

    /// <summary>Bytes of the largest message that a node takes: the peers of a large network fit.</summary>
    public const int NodeMessageBytes = 4 * 1024 * 1024;

    public const int Devices = 32;
    public const int Addresses = 16;
    public const int Links = 1024;
    public const int Peers = 4096;
    public const int Gateways = 64;
    public const int GatewayUrls = 8;

    /// <summary>Workers of a node.</summary>
    public const int Workers = 64;

    /// <summary>Workers of a replica, those that take another's place among them.</summary>
    public const int ChainWorkers = 512;

    /// <summary>Peers that a node is asked to measure its way to at once.</summary>
    public const int ProbedPeers = 64;

    /// <summary>Characters of a region, a version, a set of instructions, a label's name or value.</summary>
    public const int ShortText = 64;

    /// <summary>Characters of a device's name, an address, a reason.</summary>
    public const int Text = 256;

    /// <summary>Characters of a path.</summary>
    public const int Path = 4096;

    /// <summary>How long a node may take from its call to its registration.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>How long what is queued for a node may take to go out once its connection is closed.</summary>
    public static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);
}
