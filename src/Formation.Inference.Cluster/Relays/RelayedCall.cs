using System.Security.Cryptography;
using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Cluster.Relays;

/// <summary>One call through a relay, from the question to the end of the connection.</summary>
/// <param name="caller">Who asks.</param>
/// <param name="callerNode">Its node, or null for the gateway itself.</param>
/// <param name="target">The key that is called.</param>
/// <param name="targetNode">Its node.</param>
/// <param name="since">When it was asked.</param>
internal sealed class RelayedCall(RelayEnd caller, string? callerNode, KeyPin target, string targetNode, long since)
{
    private readonly TaskCompletionSource<RelayEnd?> _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile RelaySplice? _splice;
    private volatile bool _isCut;

    public RelayEnd Caller => caller;

    public string? CallerNode => callerNode;

    public KeyPin Target => target;

    public string TargetNode => targetNode;

    public long Since => since;

    /// <summary>Known to the relay and to the one who is called; good for one answer.</summary>
    public byte[] Ticket { get; } = RandomNumberGenerator.GetBytes(RelayProtocol.TicketBytes);

    /// <summary>Ends with who called back, or with null where the call was cut.</summary>
    public Task<RelayEnd?> Answered => _answered.Task;

    /// <summary>Ends with the connection.</summary>
    public Task Ended => _ended.Task;

    public bool IsWaiting => !_answered.Task.IsCompleted;

    /// <summary>What copies, once there is something to copy.</summary>
    public RelaySplice? Splice => _splice;

    public bool Concerns(string node) => node == callerNode || node == targetNode;

    public void Answer(RelayEnd end) => _answered.TrySetResult(end);

    public void Begin(RelaySplice splice)
    {
        _splice = splice;
        // Cut between the answer and here.
        if (_isCut)
            splice.Cut();
    }

    /// <summary>Ends it at once, however far it is.</summary>
    public void Cut()
    {
        _isCut = true;
        _answered.TrySetResult(null);
        caller.Abort();
        _splice?.Cut();
    }

    public void End()
    {
        _answered.TrySetResult(null);
        _ended.TrySetResult();
    }
}
