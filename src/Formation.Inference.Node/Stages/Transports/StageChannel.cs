using System.Net.Sockets;

namespace Formation.Inference.Node.Stages.Transports;

/// <summary>A duplex stream to a peer whose identity is certain, whoever dialled.</summary>
/// <param name="stream">Read and written by blocking, one thread each; belongs to the channel.</param>
/// <param name="peer">Who is at the other end.</param>
/// <param name="abort">Ends reads and writes in progress at once; may be called from any thread, also when all is over.</param>
public sealed class StageChannel(Stream stream, PeerIdentity peer, Action abort) : IDisposable
{
    public Stream Stream { get; } = stream;

    public PeerIdentity Peer { get; } = peer;

    /// <summary>The socket's stream below all, or null where there is none, as through a relay.</summary>
    internal SpinningStream? Transport { get; init; }

    /// <summary>A channel over a connected socket.</summary>
    /// <param name="socket">Belongs to the stream.</param>
    /// <param name="stream">Over the socket.</param>
    internal static StageChannel Over(Socket socket, Stream stream, PeerIdentity peer) => new(stream, peer, () => Shutdown(socket)) { Transport = stream as SpinningStream };

    /// <summary>Ends reads and writes in progress with an exception. Disposing comes later, when nobody uses the stream any more.</summary>
    public void Abort() => abort();

    public void Dispose()
    {
        Abort();
        Stream.Dispose();
    }

    // Disposing a stream under a thread that reads from it is not safe with TLS; a shutdown wakes the thread, which then leaves.
    internal static void Shutdown(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception over) when (over is SocketException or ObjectDisposedException)
        {
        }
    }
}
