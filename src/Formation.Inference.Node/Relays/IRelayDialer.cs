using System.Net.Sockets;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Node.Stages.Transports;

namespace Formation.Inference.Node.Relays;

/// <summary>Reaches those that can't be dialled: over the network from a node, inside the process from the gateway that is the relay itself.</summary>
public interface IRelayDialer
{
    /// <summary>Who is known to need a relay.</summary>
    UnansweredPeers Unanswered { get; }

    /// <summary>A way through a gateway to the holder of a key. Who is there is for the caller to find out: the relay may have joined it to anybody.</summary>
    /// <param name="gateway">The gateway's key.</param>
    /// <param name="target">Who is to be reached.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="IOException">There is none; the message says why.</exception>
    Task<RelayedConnection> CallAsync(KeyPin gateway, KeyPin target, CancellationToken cancellationToken);
}

/// <summary>A byte stream through a relay, on which the two ends have yet to prove who they are.</summary>
/// <param name="Stream">Belongs to whoever has the connection.</param>
/// <param name="Abort">Ends reads and writes in progress at once; may be called from any thread, also when all is over.</param>
public sealed record RelayedConnection(Stream Stream, Action Abort)
{
    /// <summary>A connection whose stream is over this socket.</summary>
    internal static RelayedConnection Over(Socket socket, Stream stream) => new(stream, () => StageChannel.Shutdown(socket));
}
