using System.ComponentModel;
using Formation.Inference.WideAreaNetwork.Links;
using Formation.Inference.WideAreaNetwork.Namespaces;
using Microsoft.Win32.SafeHandles;

namespace Formation.Inference.WideAreaNetwork;

/// <summary>
/// A wide area network on one machine: nodes with network stacks of their own, and between each two of them a way with the delay, rate
/// and loss of choice, which can be cut. It takes nothing from the machine's own network and gives nothing to it.
/// </summary>
public sealed class EmulatedNetwork : IDisposable
{
    private static readonly Lazy<string?> Reason = new(FindReason);
    private static int _networks;

    private readonly Lock _gate = new();
    private readonly List<NetworkNamespace> _namespaces = [];
    private readonly List<SafeFileHandle> _devices = [];
    private readonly EmulatedNode[] _nodes;
    private readonly EmulatedLink[,] _links;
    private readonly Forwarder? _forwarder;

    private EmulatedNetwork(int nodes, LinkSettings link, int seed, TimeProvider clock)
    {
        _nodes = new EmulatedNode[nodes];
        _links = new EmulatedLink[nodes, nodes];
        var network = Interlocked.Increment(ref _networks);
        try
        {
            for (var node = 0; node < nodes; node++)
            {
                var inside = NetworkNamespace.Create(NamespaceOwner.Current.NameOf(network, node + 1));
                _namespaces.Add(inside);
                _devices.Add(inside.OpenTun());
                _nodes[node] = new EmulatedNode(_gate, inside, Ipv4Packet.AddressOf(node));
                inside.Configure(_nodes[node].Address, Ipv4Packet.PrefixBits);
                for (var to = 0; to < nodes; to++)
                    _links[node, to] = new EmulatedLink(_gate, link, new Random(seed + (node * nodes) + to));
            }
            _forwarder = new Forwarder(_gate, [.. _devices], _links, node => _nodes[node].RefusesConnectionsNow, clock);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Why no network can be made here, in words that a skipped test can say; null where one can.</summary>
    public static string? Unavailable => Reason.Value;

    /// <summary>The nodes; they are numbered from 0.</summary>
    public IReadOnlyList<EmulatedNode> Nodes => _nodes;

    /// <summary>The way from one node to another; the way back is a link of its own.</summary>
    public EmulatedLink this[int from, int to] => from != to
        ? _links[from, to]
        : throw new ArgumentException($"Node {from} reaches itself through its loopback, not over a link.");

    /// <summary>Makes a network whose links are all alike, and deletes what processes that are gone have left of theirs.</summary>
    /// <param name="nodes">How many nodes.</param>
    /// <param name="link">What each direction between two nodes is like at first.</param>
    /// <param name="seed">Decides which packets are lost.</param>
    /// <param name="clock">Times the packets.</param>
    /// <exception cref="InvalidOperationException">Something that <see cref="Unavailable"/> names is not there.</exception>
    public static EmulatedNetwork Create(int nodes, LinkSettings link, int seed, TimeProvider clock)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(nodes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(nodes, Ipv4Packet.MaxNodes);
        ArgumentNullException.ThrowIfNull(link);
        ArgumentNullException.ThrowIfNull(clock);
        if (Unavailable is { } reason)
            throw new InvalidOperationException(reason);
        NetworkNamespace.DeleteLeftovers();
        return new EmulatedNetwork(nodes, link, seed, clock);
    }

    /// <summary>Changes both directions between two nodes.</summary>
    public void Change(int one, int other, Func<LinkSettings, LinkSettings> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        this[one, other].Settings = change(this[one, other].Settings);
        this[other, one].Settings = change(this[other, one].Settings);
    }

    /// <summary>Drops all that two nodes send each other from now on, without a word to either.</summary>
    public void Cut(int one, int other) => Change(one, other, settings => settings with { IsCut = true });

    /// <summary>Ends a cut between two nodes.</summary>
    public void Restore(int one, int other) => Change(one, other, settings => settings with { IsCut = false });

    /// <summary>Cuts a node off from all others.</summary>
    public void Cut(int node) => ChangeAll(node, Cut);

    /// <summary>Ends every cut between a node and others.</summary>
    public void Restore(int node) => ChangeAll(node, Restore);

    /// <summary>Ends what runs on the nodes (SIGKILL) and deletes their namespaces.</summary>
    public void Dispose()
    {
        foreach (var inside in _namespaces)
            inside.Dispose();
        try
        {
            _forwarder?.Dispose();
        }
        finally
        {
            foreach (var device in _devices)
                device.Dispose();
        }
    }

    private void ChangeAll(int node, Action<int, int> change)
    {
        for (var other = 0; other < _nodes.Length; other++)
        {
            if (other != node)
                change(node, other);
        }
    }

    // Rights are tried and not read off: a container may have root and still not be allowed a namespace.
    private static string? FindReason()
    {
        const string Tun = "/dev/net/tun";
        if (!OperatingSystem.IsLinux())
            return "a network of namespaces needs Linux";
        if (!Environment.IsPrivilegedProcess)
            return "a network of namespaces needs root";
        if (!File.Exists(Tun))
            return $"a network of namespaces needs {Tun}, which is not there";
        try
        {
            using var inside = NetworkNamespace.Create(NamespaceOwner.Current.NameOf(0, 0));
            using var device = inside.OpenTun();
            return null;
        }
        catch (Exception error) when (error is InvalidOperationException or Win32Exception or IOException or UnauthorizedAccessException)
        {
            return $"a network of namespaces cannot be made here: {error.Message}";
        }
    }
}
