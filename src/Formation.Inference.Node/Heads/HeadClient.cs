using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Routing;
using Formation.Inference.Node.Agent;
using Formation.Inference.Node.Heads.Connections;
using Formation.Inference.Node.Heads.Wire;
using Formation.Inference.Node.Relays;

namespace Formation.Inference.Node.Heads;

/// <summary>
/// The gateway's side of the generation protocol: dials heads, keeps connections for the next request, and brings a request's events from
/// its head. See docs/formats/generation-protocol.md.
/// </summary>
public sealed class HeadClient : IHeadClient, IAsyncDisposable
{
    static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(10);
    static readonly byte[] CancelFrame = [0, 0, 0, 0, (byte)FrameType.Cancel];

    readonly Func<Replica, CancellationToken, Task<Stream>> _dial;
    readonly HeadClientOptions _options;
    readonly TimeProvider _clock;
    readonly ByteBudget _incoming;
    readonly ConcurrentDictionary<KeyPin, HeadConnections> _heads = new();
    readonly ConcurrentDictionary<KeyPin, TimeSpan> _roundTrips = new();
    readonly ITimer _sweep;

    /// <param name="identity">The gateway's key; outlives the client.</param>
    /// <param name="options">How connections are kept.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="relays">Reaches heads that can't be dialled, or null.</param>
    public HeadClient(NodeIdentity identity, HeadClientOptions options, TimeProvider clock, IRelayDialer? relays = null)
        : this(new ConcurrentDictionary<KeyPin, TimeSpan>(), identity, options, clock, relays)
    {
    }

    HeadClient(
        ConcurrentDictionary<KeyPin, TimeSpan> roundTrips, NodeIdentity identity, HeadClientOptions options, TimeProvider clock, IRelayDialer? relays)
        : this((replica, cancellationToken) => DialAsync(identity, replica, roundTrips, clock, relays, cancellationToken), options, clock) =>
        _roundTrips = roundTrips;

    /// <summary>A client with a way of its own to reach heads.</summary>
    internal HeadClient(Func<Replica, CancellationToken, Task<Stream>> dial, HeadClientOptions options, TimeProvider clock)
    {
        (_dial, _options, _clock) = (dial, options, clock);
        _incoming = new ByteBudget(options.MaxIncomingBytes);
        _sweep = clock.CreateTimer(static state => _ = ((HeadClient)state!).SweepAsync(), this, SweepInterval, SweepInterval);
    }

    public async IAsyncEnumerable<GenerationEvent> GenerateAsync(
        Replica replica, GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!TryWrite(writer => RequestMessage.Write(writer, request), out var writer))
        {
            yield return new GenerationFailed(TooLarge(nameof(GenerationRequest.Prompt)));
            yield break;
        }

        var head = HeadOf(replica);
        if (!head.TryEnter(out var idle))
        {
            yield return new GenerationFailed(Crowded(_options.MaxConnectionsPerHead));
            yield break;
        }

        var mostBytes = request.EchoPrompt ? GenerationProtocol.MaxEchoBytes : GenerationProtocol.MaxEventBytes;
        await foreach (var (connection, frame) in RunAsync(replica, head, idle, writer, mostBytes, cancellationToken))
            yield return Read(connection, frame);
    }

    public async Task<Outcome<EmbeddingAnswer>> EmbedAsync(Replica replica, EmbeddingRequest request, CancellationToken cancellationToken)
    {
        if (!TryWrite(writer => RequestMessage.Write(writer, request), out var writer))
            return TooLarge(nameof(EmbeddingRequest.Inputs));
        var head = HeadOf(replica);
        if (!head.TryEnter(out var idle))
            return Crowded(_options.MaxConnectionsPerHead);

        GenerationError? failure = null;
        var vectors = new VectorsAssembly(request);
        await foreach (var (connection, frame) in RunAsync(replica, head, idle, writer, GenerationProtocol.MaxEventBytes, cancellationToken))
            failure = Read(connection, frame, vectors) ?? failure;
        if (failure is not null)
            return failure;
        return vectors.IsComplete ? vectors.Answer : throw new HeadLostException(HeadLoss.Untrusted, "it ended before it had sent all vectors");
    }

    /// <summary>Sends a request to a head and brings what comes, up to its end.</summary>
    /// <param name="replica">Whose head.</param>
    /// <param name="head">Its connections; a place among them is taken, and given back here.</param>
    /// <param name="idle">One of them, or null where it is dialled.</param>
    /// <param name="writer">The request.</param>
    /// <param name="maxEventBytes">The largest event that may come.</param>
    /// <param name="cancellationToken">Ends the work on the head, too.</param>
    async IAsyncEnumerable<(GenerationConnection Connection, Frame Event)> RunAsync(
        Replica replica, HeadConnections head, GenerationConnection? idle, MessageWriter writer, int maxEventBytes,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        GenerationConnection connection;
        try
        {
            connection = idle ?? await ConnectAsync(replica, cancellationToken);
        }
        catch
        {
            head.Leave();
            throw;
        }

        var isEnded = false;
        try
        {
            // While the request is on its way, the head is listened to already: a silent one would take it for ever.
            connection.MaxFrameBytes = maxEventBytes;
            _ = connection.Next;
            await SendAsync(connection, writer, cancellationToken);
            while (true)
            {
                if (!connection.TryTake(out var frame))
                {
                    await connection.Next.WaitAsync(cancellationToken);
                    frame = connection.Take();
                }

                if (frame.Type == FrameType.Event)
                {
                    yield return (connection, frame);
                    continue;
                }

                isEnded = frame.Type == FrameType.End;
                if (isEnded && ReadEnd(connection, frame) is { } loss)
                    throw loss;
                if (isEnded)
                    yield break;
                throw connection.Lose(
                    frame.Type == FrameType.Goodbye ? HeadLoss.Leaving : HeadLoss.Untrusted, "it ended the connection beside a request");
            }
        }
        finally
        {
            // Not waited for: whoever reads the events has them all, or wants none of the rest.
            _ = GiveBackAsync(head, connection, isEnded);
        }
    }

    /// <summary>The way to a head and back, as the newest connection to it found; zero where none was opened of late.</summary>
    public TimeSpan RoundTripTo(KeyPin head) => _roundTrips.GetValueOrDefault(head);

    /// <summary>Closes idle connections, and the others when their requests end.</summary>
    public async ValueTask DisposeAsync()
    {
        await _sweep.DisposeAsync();
        foreach (var head in _heads.Values)
            await head.CloseAsync();
    }

    /// <summary>Connections to a head that wait for a request.</summary>
    internal int IdleConnections(KeyPin head) => _heads.TryGetValue(head, out var connections) ? connections.IdleCount : 0;

    static async Task<Stream> DialAsync(
        NodeIdentity identity, Replica replica, ConcurrentDictionary<KeyPin, TimeSpan> roundTrips, TimeProvider clock, IRelayDialer? relays,
        CancellationToken cancellationToken)
    {
        var peer = new NodePeer(replica.NodeName, replica.HeadPin, replica.Addresses, IsOnline: true);
        var connected = await PeerConnection.ConnectAsync(identity, peer, HeadServer.Protocol, clock, relays, cancellationToken);
        roundTrips[replica.HeadPin] = connected.RoundTrip;
        return connected.Stream;
    }

    async Task<GenerationConnection> ConnectAsync(Replica replica, CancellationToken cancellationToken)
    {
        try
        {
            var stream = await _dial(replica, cancellationToken);
            return new GenerationConnection(stream, GenerationProtocol.MaxControlBytes, _incoming, _options.Heartbeat, _clock);
        }
        catch (PeerUnreachableException fault)
        {
            throw new HeadLostException(HeadLoss.Unreachable, fault.Message);
        }
    }

    HeadConnections HeadOf(Replica replica) => _heads.GetOrAdd(replica.HeadPin, _ => new HeadConnections(_options, _clock));

    static bool TryWrite(Action<MessageWriter> writeRequest, out MessageWriter writer)
    {
        writer = new MessageWriter();
        writer.BeginFrame(FrameType.Request);
        writeRequest(writer);
        if (Activity.Current is { IdFormat: ActivityIdFormat.W3C } caller)
            RequestMessage.WriteTrace(writer, caller.Id, caller.TraceStateString);
        return writer.EndFrame() <= GenerationProtocol.MaxRequestBytes;
    }

    static async Task SendAsync(GenerationConnection connection, MessageWriter writer, CancellationToken cancellationToken)
    {
        // Half a request is of no use to anybody: who leaves while it is sent ends the connection.
        await using var left = cancellationToken.Register(() => connection.Lose(HeadLoss.Broken, "closed here"));
        try
        {
            await connection.SendAsync(writer.Written);
        }
        catch (HeadLostException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw;
        }
    }

    static GenerationEvent Read(GenerationConnection connection, Frame frame)
    {
        try
        {
            return EventMessage.Read(frame.Payload.Span);
        }
        catch (GenerationProtocolException fault)
        {
            throw connection.Lose(HeadLoss.Untrusted, fault.Message);
        }
    }

    static GenerationError? Read(GenerationConnection connection, Frame frame, VectorsAssembly vectors)
    {
        try
        {
            if (EmbeddingMessage.ReadEvent(frame.Payload.Span, out var part) is { } failure)
                return failure;
            vectors.Add(part);
            return null;
        }
        catch (GenerationProtocolException fault)
        {
            throw connection.Lose(HeadLoss.Untrusted, fault.Message);
        }
    }

    static HeadLostException? ReadEnd(GenerationConnection connection, Frame frame)
    {
        try
        {
            var end = EndMessage.Read(frame.Payload.Span);
            return end.Code switch
            {
                EndCode.Complete => null,
                EndCode.Leaving => new HeadLostException(HeadLoss.Leaving, end.Reason),
                EndCode.Malformed => new HeadLostException(HeadLoss.Untrusted, end.Reason),
                _ => new HeadLostException(HeadLoss.Failed, end.Reason),
            };
        }
        catch (GenerationProtocolException fault)
        {
            return connection.Lose(HeadLoss.Untrusted, fault.Message);
        }
    }

    async Task GiveBackAsync(HeadConnections head, GenerationConnection connection, bool isEnded)
    {
        try
        {
            if (!isEnded)
                await CancelAsync(connection).WaitAsync(_options.CancelTimeout, _clock);
            await head.LeaveAsync(connection);
        }
        catch (Exception fault) when (fault is HeadLostException or TimeoutException)
        {
            head.Leave();
            await connection.DisposeAsync();
        }
    }

    /// <summary>Waits for the end of a request that nobody reads any more, so that the connection can be used again.</summary>
    static async Task CancelAsync(GenerationConnection connection)
    {
        var hasCancelled = false;
        while (true)
        {
            // Where the end is here already, there is nothing to cancel.
            if (!connection.TryTake(out var frame))
            {
                if (!hasCancelled)
                    await connection.SendAsync(CancelFrame);
                hasCancelled = true;
                await connection.Next;
                frame = connection.Take();
            }

            if (frame.Type == FrameType.End)
                return;
            if (frame.Type != FrameType.Event)
                throw connection.Lose(HeadLoss.Leaving, "it ended the connection");
        }
    }

    async Task SweepAsync()
    {
        foreach (var (pin, head) in _heads)
        {
            if (!await head.SweepAsync())
                continue;
            _heads.TryRemove(KeyValuePair.Create(pin, head));
            _roundTrips.TryRemove(pin, out _);
        }
    }

    static GenerationError TooLarge(string part) =>
        new(GenerationErrorKind.InvalidRequest, $"The request takes more than the {GenerationProtocol.MaxRequestBytes >> 20} MiB that it may have on its way.")
        {
            Parameter = part,
        };

    static GenerationError Crowded(int limit) =>
        new(GenerationErrorKind.QueueFull, $"The machine works on {limit} requests of this gateway already. Try again later.")
        {
            RetryAfter = TimeSpan.FromSeconds(1),
        };
}
