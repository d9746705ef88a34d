using System.Buffers;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;

namespace Formation.Inference.Cluster.Relays;

/// <summary>A relay has no connection to somebody.</summary>
/// <param name="status">Why.</param>
public sealed class RelayException(RelayStatus status) : IOException(RelayProtocol.Describe(status))
{
    public RelayStatus Status => status;
}

/// <summary>
/// The gateway as a relay: who wants to reach a node that can't be dialled asks here; the node hears of it over its control stream and calls back,
/// and the two byte streams are joined. The two ends prove their keys to each other inside, so that what passes is ciphertext, and nobody here
/// can speak in another's name. Safe to use from any thread.
/// </summary>
public sealed class RelayService : IDisposable
{
    // What a connection inside this process may have under way in each direction.
    private const int InsideBuffer = 64 << 10;

    private readonly Lock _lock = new();
    private readonly HashSet<RelayedCall> _calls = [];
    private readonly NodeRegistry _registry;
    private readonly RelayOptions _options;
    private readonly RelayMetrics _metrics;
    private readonly TimeProvider _clock;
    private readonly ITimer _looks;
    private bool _isDisposed;

    /// <param name="registry">Who is admitted, and who can be called.</param>
    /// <param name="options">Limits.</param>
    /// <param name="metrics">Counts; belongs to the caller.</param>
    /// <param name="clock">The clock.</param>
    public RelayService(NodeRegistry registry, RelayOptions options, RelayMetrics metrics, TimeProvider clock)
    {
        (_registry, _options, _metrics, _clock) = (registry, options, metrics, clock);
        registry.Removed += CutNode;
        _looks = clock.CreateTimer(_ => CutStuck(), null, options.LookInterval, options.LookInterval);
    }

    /// <summary>Calls and connections under way.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _calls.Count;
        }
    }

    /// <summary>Serves somebody who asked for <see cref="RelayProtocol.Name"/>, until that connection is over. Never throws for what comes from outside.</summary>
    /// <param name="end">The connection, behind the handshake.</param>
    /// <param name="closed">Cancelled when it is lost.</param>
    public async Task ServeAsync(RelayEnd end, CancellationToken closed)
    {
        try
        {
            if (await ReadQuestionAsync(end, closed) is not var (ask, subject))
            {
                end.Abort();
                return;
            }
            var status = ask == RelayAsk.Call ? await CallAsync(end, KeyPin.FromBytes(subject), closed) : await AnswerAsync(end, subject);
            if (status != RelayStatus.Joined)
                await SayAsync(end, status);
        }
        // Whatever somebody's bytes lead to, it costs this connection and no other.
        catch (Exception)
        {
            end.Abort();
        }
        // Where the other side takes nothing any more, closing would wait for it.
        _ = Task.Delay(_options.LingerTime, _clock).ContinueWith(_ => end.Abort(), TaskScheduler.Default);
    }

    /// <summary>A connection from this process to the holder of a key.</summary>
    /// <exception cref="RelayException">There is none; the status says why.</exception>
    public async Task<Stream> OpenAsync(KeyPin target, CancellationToken cancellationToken)
    {
        var (near, input, output, abort) = DuplexStream.Pair(InsideBuffer);
        var (status, call, other) = await ConnectAsync(new RelayEnd(target, input, output, abort), null, target, cancellationToken);
        if (call is null || other is null)
            throw new RelayException(status);
        _ = FinishAsync();
        return near;

        async Task FinishAsync()
        {
            await RunAsync(call, other);
            await input.CompleteAsync();
            await output.CompleteAsync();
        }
    }

    /// <summary>Ends all of it.</summary>
    public void Dispose()
    {
        _registry.Removed -= CutNode;
        _looks.Dispose();
        List<RelayedCall> calls;
        lock (_lock)
        {
            _isDisposed = true;
            calls = [.. _calls];
        }
        calls.ForEach(call => call.Cut());
    }

    private async Task<RelayStatus> CallAsync(RelayEnd caller, KeyPin target, CancellationToken closed)
    {
        if (_registry.HolderOf(caller.Pin) is not { } party)
            return RelayStatus.Refused;
        var (status, call, other) = await ConnectAsync(caller, party.Node, target, closed);
        if (call is null || other is null)
            return status;
        await SayAsync(caller, RelayStatus.Joined);
        await RunAsync(call, other);
        return RelayStatus.Joined;
    }

    private async Task<(RelayStatus Status, RelayedCall? Call, RelayEnd? Other)> ConnectAsync(
        RelayEnd caller, string? callerNode, KeyPin target, CancellationToken closed)
    {
        var (status, call) = Begin(caller, callerNode, target);
        if (call is not null)
        {
            if (await AnswerOfAsync(call, closed) is { } other)
                return (RelayStatus.Joined, call, other);
            Leave(call);
        }
        _metrics.NoteCall(status);
        return (status, null, null);
    }

    private (RelayStatus Status, RelayedCall? Call) Begin(RelayEnd caller, string? callerNode, KeyPin target)
    {
        if (_registry.HolderOf(target) is not { IsOnline: true } party)
            return (RelayStatus.Unknown, null);
        var call = new RelayedCall(caller, callerNode, target, party.Node, _clock.GetTimestamp());
        if (!TryEnter(call))
            return (RelayStatus.Busy, null);
        // Asked again now that the call is known: a removal in between is seen on one side or the other.
        var isAdmitted = callerNode is null || _registry.HolderOf(caller.Pin) is not null;
        if (isAdmitted && _registry.CallBack(target, call.Ticket))
            return (RelayStatus.NoAnswer, call);
        Leave(call);
        return (isAdmitted ? RelayStatus.Unknown : RelayStatus.Refused, null);
    }

    private async Task<RelayEnd?> AnswerOfAsync(RelayedCall call, CancellationToken closed)
    {
        try
        {
            return await call.Answered.WaitAsync(_options.AnswerTime, _clock, closed);
        }
        catch (Exception error) when (error is TimeoutException or OperationCanceledException)
        {
            return null;
        }
    }

    private async Task<RelayStatus> AnswerAsync(RelayEnd end, byte[] ticket)
    {
        RelayedCall? call;
        lock (_lock)
        {
            // Only the key that was called may spend the ticket, so that one who saw it can't even spoil it.
            call = _calls.FirstOrDefault(call => call.IsWaiting && call.Target == end.Pin && call.Ticket.AsSpan().SequenceEqual(ticket));
            if (call is null || _clock.GetElapsedTime(call.Since) > _options.AnswerTime)
                return RelayStatus.BadTicket;
            call.Answer(end);
        }
        await call.Ended;
        return RelayStatus.Joined;
    }

    private async Task RunAsync(RelayedCall call, RelayEnd other)
    {
        _metrics.NoteCall(RelayStatus.Joined);
        _metrics.NoteOpen(1);
        try
        {
            await SayAsync(other, RelayStatus.Joined);
            var splice = new RelaySplice(call.Caller, other, Note, _clock);
            call.Begin(splice);
            await splice.RunAsync(_options.LingerTime);
        }
        catch (Exception broken) when (broken is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            call.Caller.Abort();
            other.Abort();
        }
        finally
        {
            _metrics.NoteOpen(-1);
            Leave(call);
        }

        void Note(long bytes)
        {
            _metrics.NoteBytes(call.TargetNode, bytes);
            if (call.CallerNode != call.TargetNode)
                _metrics.NoteBytes(call.CallerNode, bytes);
        }
    }

    private bool TryEnter(RelayedCall call)
    {
        lock (_lock)
        {
            var waiting = _calls.Count(other => other.IsWaiting && other.TargetNode == call.TargetNode);
            if (_isDisposed || _calls.Count >= _options.MaxConnections || waiting >= _options.MaxCallsPerNode
                || IsFull(call.TargetNode) || (call.CallerNode is { } node && IsFull(node)))
                return false;
            return _calls.Add(call);
        }

        bool IsFull(string node) => _calls.Count(other => other.Concerns(node)) >= _options.MaxConnectionsPerNode;
    }

    private void Leave(RelayedCall call)
    {
        lock (_lock)
            _calls.Remove(call);
        call.End();
    }

    private void CutNode(string node)
    {
        List<RelayedCall> cut;
        lock (_lock)
            cut = [.. _calls.Where(call => call.Concerns(node))];
        cut.ForEach(call => call.Cut());
    }

    private void CutStuck()
    {
        List<RelayedCall> stuck;
        lock (_lock)
            stuck = [.. _calls.Where(call => call.Splice?.IsStuck(_options.IdleTime, _options.StallTime) == true)];
        stuck.ForEach(call => call.Cut());
    }

    private async Task<(RelayAsk Ask, byte[] Subject)?> ReadQuestionAsync(RelayEnd end, CancellationToken closed)
    {
        using var patience = new CancellationTokenSource(_options.QuestionTime, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, closed);
        var read = await end.Input.ReadAtLeastAsync(RelayProtocol.QuestionBytes, either.Token);
        if (read.Buffer.Length < RelayProtocol.QuestionBytes)
            return null;
        var question = read.Buffer.Slice(0, RelayProtocol.QuestionBytes);
        var isGood = RelayProtocol.TryReadQuestion(question.ToArray(), out var ask, out var subject);
        // What comes behind it belongs to the other end.
        end.Input.AdvanceTo(question.End);
        return isGood ? (ask, subject) : null;
    }

    private static async Task SayAsync(RelayEnd end, RelayStatus status) => await end.Output.WriteAsync(RelayProtocol.Answer(status));
}
