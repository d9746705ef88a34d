using System.Net;
using System.Net.Security;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Node.Agent;
using Formation.Inference.Testing.Files;

namespace Formation.Inference.Node.Tests.Fakes;

/// <summary>A node with a key and a port of its own on loopback.</summary>
sealed class TestNode : IAsyncDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public TestNode(string name, Dictionary<string, PeerHandler> protocols)
    {
        Name = name;
        Identity = NodeIdentity.LoadOrCreate(_folder.File("node.pem"), TimeProvider.System);
        Listener = PeerListener.Start(new IPEndPoint(IPAddress.Loopback, 0), Identity, Peers, protocols, TimeProvider.System);
    }

    public string Name { get; }

    public NodeIdentity Identity { get; }

    public PeerDirectory Peers { get; } = new();

    public PeerListener Listener { get; }

    /// <summary>This node as others know it.</summary>
    public NodePeer AsPeer => new(Name, Identity.Pin, [Listener.Endpoint!.ToString()], IsOnline: true);

    /// <summary>A node that answers probes, and knows these.</summary>
    public static TestNode Probed(string name) => new(name, new() { [PeerProbe.Protocol] = PeerProbe.Answers(TimeProvider.System) });

    public void Knows(params TestNode[] others) => Peers.Replace([.. others.Select(other => other.AsPeer)]);

    /// <summary>Dials a peer without relays.</summary>
    public async Task<SslStream> DialAsync(NodePeer peer, string protocol, CancellationToken cancellationToken = default) =>
        (await PeerConnection.ConnectAsync(Identity, peer, protocol, TimeProvider.System, relays: null, cancellationToken)).Stream;

    public async ValueTask DisposeAsync()
    {
        await Listener.DisposeAsync();
        Identity.Dispose();
        _folder.Dispose();
    }
}
