using System.Threading.Channels;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes.Control.Wire;

namespace Formation.Inference.Cluster.Nodes;

/// <summary>
/// A node's control connection as the registry sees it: messages wait here until the transport sends them, and closing it says why. Safe to
/// use from any thread.
/// </summary>
/// <param name="pin">The key that the transport found at the other end.</param>
/// <param name="address">Where it was dialled from, for people.</param>
public sealed class NodeConnection(KeyPin pin, string address)
{
    /// <summary>A node that leaves so many messages unread is stuck or hostile.</summary>
    public const int MaximumWaiting = 64;

    private readonly Channel<GatewayMessage?> _outgoing = Channel.CreateBounded<GatewayMessage?>(
        new BoundedChannelOptions(MaximumWaiting) { SingleReader = true });

    private readonly TaskCompletionSource<Refusal> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _peersChanged;

    public KeyPin Pin { get; } = pin;

    public string Address { get; } = address;

    /// <summary>Ends when the gateway closes the connection, with the reason.</summary>
    public Task<Refusal> Closed => _closed.Task;

    /// <summary>
    /// What is to be sent, in order, ending when the connection is closed. Null stands for the list of peers as it is when its turn comes, so
    /// that many changes cost one message.
    /// </summary>
    public async IAsyncEnumerable<GatewayMessage?> OutgoingAsync()
    {
        await foreach (var message in _outgoing.Reader.ReadAllAsync())
        {
            if (message is null)
                Volatile.Write(ref _peersChanged, 0);
            yield return message;
        }
    }

    /// <summary>Queues a message; where the queue is full, closes the connection.</summary>
    public void Send(GatewayMessage message) => Enqueue(message);

    /// <summary>Says that the peers have changed since the node was told of them.</summary>
    public void PeersChanged()
    {
        if (Interlocked.Exchange(ref _peersChanged, 1) == 0)
            Enqueue(null);
    }

    /// <summary>Ends the connection behind what is queued. Only the first reason counts.</summary>
    public void Close(Refusal refusal)
    {
        if (_closed.TrySetResult(refusal))
            _outgoing.Writer.TryComplete();
    }

    private void Enqueue(GatewayMessage? message)
    {
        if (!_outgoing.Writer.TryWrite(message) && !Closed.IsCompleted)
            Close(new Refusal(RefusalReason.NotReading, $"{MaximumWaiting} messages wait for this node, which takes none"));
    }
}
