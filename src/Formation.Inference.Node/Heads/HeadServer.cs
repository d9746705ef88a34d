using System.Diagnostics;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Routing;
using Formation.Inference.Node.Agent;
using Formation.Inference.Node.Heads.Connections;
using Formation.Inference.Node.Heads.Wire;

namespace Formation.Inference.Node.Heads;

/// <summary>
/// The head's side of the generation protocol: lets gateways run requests on a backend, one at a time on each connection. Whoever goes away
/// takes the request along. See docs/formats/generation-protocol.md.
/// </summary>
/// <param name="backend">What generates.</param>
/// <param name="options">Limits.</param>
/// <param name="clock">The clock.</param>
public sealed class HeadServer(IInferenceBackend backend, HeadServerOptions options, TimeProvider clock)
{
    /// <summary>The name of the protocol (ALPN).</summary>
    public const string Protocol = GenerationProtocol.Name;

    readonly ByteBudget _incoming = new(options.MaxIncomingBytes);
    readonly PeerCounts _connections = new();
    readonly CancellationTokenSource _leaving = new();
    readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    int _running;

    /// <summary>Serves connections of gateways, for a <see cref="PeerListener"/>.</summary>
    public PeerHandler Handler => (peer, stream, cancellationToken) => ServeAsync(peer, stream, cancellationToken);

    /// <summary>Requests that are worked on.</summary>
    public int RunningRequests => Volatile.Read(ref _running);

    /// <summary>Bytes held of requests that have not come completely.</summary>
    internal long IncomingBytes => _incoming.Taken;

    /// <summary>
    /// Ends all work, between two events of each request, so that gateways go on with it elsewhere at once. Later requests are sent away, too.
    /// </summary>
    public void Leave()
    {
        _leaving.Cancel();
        _left.TrySetResult();
    }

    internal async Task ServeAsync(NodePeer peer, Stream stream, CancellationToken cancellationToken)
    {
        await using var connection = new GenerationConnection(stream, GenerationProtocol.MaxRequestBytes, _incoming, options.Heartbeat, clock);
        await using var cut = cancellationToken.Register(() => connection.Lose(HeadLoss.Broken, "closed here"));
        try
        {
            if (_connections.Enter(peer.Pin) <= options.MaxConnectionsPerPeer)
                await ServeAsync(connection);
            else
                await SayGoodbyeAsync(connection, $"it has {options.MaxConnectionsPerPeer} connections with this gateway already");
        }
        catch (HeadLostException)
        {
            // The gateway knows of its request, and this side has nothing to say to it any more.
        }
        finally
        {
            _connections.Leave(peer.Pin);
        }
    }

    async Task ServeAsync(GenerationConnection connection)
    {
        var writer = new MessageWriter();
        while (!_leaving.IsCancellationRequested)
        {
            if (await Task.WhenAny(connection.Next, _left.Task) == _left.Task)
                break;
            var frame = connection.Take();

            // A cancellation may cross the end of what it cancels.
            if (frame.Type == FrameType.Cancel)
                continue;
            if (frame.Type != FrameType.Request)
                throw connection.Lose(HeadLoss.Untrusted, "a frame came where a request was expected");
            await RunAsync(connection, frame, writer);
        }

        await SayGoodbyeAsync(connection, "it ends");
    }

    async Task RunAsync(GenerationConnection connection, Frame frame, MessageWriter writer)
    {
        ReceivedRequest received;
        try
        {
            received = RequestMessage.Read(frame.Payload.Span);
        }
        catch (GenerationProtocolException fault)
        {
            await EndAsync(connection, writer, new EndMessage(EndCode.Malformed, fault.Message));
            return;
        }

        // Nothing but small frames may come beside a request.
        connection.MaxFrameBytes = GenerationProtocol.MaxControlBytes;
        Interlocked.Increment(ref _running);
        EndMessage end;
        try
        {
            end = await GenerateAsync(connection, writer, received);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }

        // The gateway may send its next request as soon as it has read the end.
        connection.MaxFrameBytes = GenerationProtocol.MaxRequestBytes;
        await EndAsync(connection, writer, end);
    }

    /// <summary>Works on a request until it is done, cancelled, or nobody is there any more.</summary>
    async Task<EndMessage> GenerateAsync(GenerationConnection connection, MessageWriter writer, ReceivedRequest received)
    {
        using var cancelled = new CancellationTokenSource();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancelled.Token, _leaving.Token);
        var work = GenerateAsync(connection, writer, received, either.Token);
        try
        {
            while (await Task.WhenAny(work, connection.Next) != work)
            {
                if (connection.Take().Type != FrameType.Cancel)
                    throw connection.Lose(HeadLoss.Untrusted, "a frame came that has no place beside a request");
                cancelled.Cancel();
            }

            return await work;
        }
        catch (HeadLostException)
        {
            cancelled.Cancel();
            await Task.WhenAny(work);
            throw;
        }
    }

    async Task<EndMessage> GenerateAsync(
        GenerationConnection connection, MessageWriter writer, ReceivedRequest received, CancellationToken cancellationToken)
    {
        // So that decoding and what the backend does at once never hold up the frames that come.
        await Task.Yield();
        using var span = StartSpan(received);
        try
        {
            if (received.Embedding is { } embedding)
                await SendVectorsAsync(connection, writer, embedding, cancellationToken);
            else
                await SendEventsAsync(connection, writer, received.Request!, cancellationToken);
            return new EndMessage(EndCode.Complete, "");
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return _leaving.IsCancellationRequested ? new EndMessage(EndCode.Leaving, "it ends") : new EndMessage(EndCode.Cancelled, "");
        }
        catch (Exception fault) when (fault is not HeadLostException)
        {
            return new EndMessage(EndCode.Failed, fault.GetType().Name);
        }
    }

    async Task SendEventsAsync(
        GenerationConnection connection, MessageWriter writer, GenerationRequest request, CancellationToken cancellationToken)
    {
        writer.Clear();
        await using var events = backend.GenerateAsync(request, cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            // Events that are there already leave in one write.
            var next = events.MoveNextAsync();
            if (writer.Length > 0 && (!next.IsCompleted || writer.Length > GenerationProtocol.TextOfPart))
            {
                if (!next.IsCompleted)
                    next = new ValueTask<bool>(next.AsTask());
                try
                {
                    await connection.SendAsync(writer.Written);
                }
                catch (HeadLostException)
                {
                    // The loss cancels the request, too; the events may be let go of only when that has ended them.
                    await Task.WhenAny(next.AsTask());
                    throw;
                }

                writer.Clear();
            }

            if (!await next)
                return;
            if (!TryWrite(writer, events.Current))
            {
                Write(writer, new GenerationFailed(TooLarge()));
                return;
            }
        }
    }

    async Task SendVectorsAsync(
        GenerationConnection connection, MessageWriter writer, EmbeddingRequest request, CancellationToken cancellationToken)
    {
        writer.Clear();
        var outcome = await backend.EmbedAsync(request, cancellationToken);
        if (outcome.Error is { } error)
            Write(writer, new GenerationFailed(error));
        for (var input = 0; input < outcome.Value?.Inputs.Count; input++)
        {
            var vectors = outcome.Value.Inputs[input];
            for (var first = 0; first < vectors.Values.Length; first += GenerationProtocol.ValuesOfPart)
            {
                EmbeddingMessage.WritePart(writer, input, vectors, first, Math.Min(GenerationProtocol.ValuesOfPart, vectors.Values.Length - first));
                if (writer.Length <= GenerationProtocol.TextOfPart)
                    continue;
                cancellationToken.ThrowIfCancellationRequested();
                await connection.SendAsync(writer.Written);
                writer.Clear();
            }
        }

        if (writer.Length > 0)
            await connection.SendAsync(writer.Written);
        writer.Clear();
    }

    static bool TryWrite(MessageWriter writer, GenerationEvent item)
    {
        if (item is not GenerationDelta delta || DeltaParts.IsSmall(delta))
            return Write(writer, item) <= (item is GenerationDelta { IsEcho: true } ? GenerationProtocol.MaxEchoBytes : GenerationProtocol.MaxEventBytes)
                || DropFrame(writer);
        foreach (var part in DeltaParts.Of(delta))
            if (Write(writer, part) > GenerationProtocol.MaxEventBytes)
                return DropFrame(writer);
        return true;
    }

    static bool DropFrame(MessageWriter writer)
    {
        writer.DropFrame();
        return false;
    }

    static int Write(MessageWriter writer, GenerationEvent item)
    {
        writer.BeginFrame(FrameType.Event);
        EventMessage.Write(writer, item);
        return writer.EndFrame();
    }

    static GenerationError TooLarge() => new(
        GenerationErrorKind.InvalidRequest,
        $"The prompt with its log-probabilities takes more than the {GenerationProtocol.MaxEchoBytes >> 20} MiB in which it can be sent back. "
        + "Ask for fewer alternatives, or for no echo.")
    {
        Parameter = nameof(GenerationRequest.EchoPrompt),
    };

    static async Task EndAsync(GenerationConnection connection, MessageWriter writer, EndMessage end)
    {
        writer.BeginFrame(FrameType.End);
        end.Write(writer);
        writer.EndFrame();
        await connection.SendAsync(writer.Written);
        writer.Clear();
    }

    static async Task SayGoodbyeAsync(GenerationConnection connection, string reason)
    {
        var writer = new MessageWriter();
        writer.BeginFrame(FrameType.Goodbye);
        new EndMessage(EndCode.Leaving, reason).Write(writer);
        writer.EndFrame();
        await connection.SendAsync(writer.Written);
    }

    /// <summary>Makes the caller's span the parent of what the engine traces of the request.</summary>
    static Activity? StartSpan(ReceivedRequest received) =>
        ActivityContext.TryParse(received.TraceParent, received.TraceState, isRemote: true, out var parent)
            ? NodeTraces.Source.StartActivity(received.Embedding is null ? "generate" : "embed", ActivityKind.Server, parent)
                ?.SetTag("request.id", received.RequestId)
            : null;
}
