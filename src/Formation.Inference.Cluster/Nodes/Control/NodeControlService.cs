using Formation.Inference.Cluster.Nodes.Control.Wire;
using Formation.Inference.Cluster.Workers;
using Formation.Inference.Storage;
using Grpc.Core;

namespace Formation.Inference.Cluster.Nodes.Control;

/// <summary>
/// The gateway's end of the control protocol. TLS has proved which key the caller has, and nothing more: whether that key is admitted is
/// decided here, so that a refusal can say why.
/// </summary>
/// <param name="registry">The nodes.</param>
/// <param name="peerOf">Asks the transport for a call's caller.</param>
/// <param name="clock">For time limits.</param>
public sealed class NodeControlService(NodeRegistry registry, Func<ServerCallContext, ControlPeer> peerOf, TimeProvider clock)
    : NodeControl.NodeControlBase
{
    /// <summary>Spends a token on the caller's key.</summary>
    public override Task<JoinResponse> Join(JoinRequest request, ServerCallContext context)
    {
        var peer = peerOf(context);
        RequireProtocol(request.Protocol);
        var report = Read(request.Report);
        try
        {
            if (!registry.TryAdmit(request.Token, peer.Pin, report, out var record, out var refusal))
                throw Refusals.ToException(refusal);
            return Task.FromResult(new JoinResponse { Name = record.Name });
        }
        catch (StorageException)
        {
            throw Refusals.ToException(new Refusal(RefusalReason.NotNow, "The gateway's database does not answer; try again in a moment."));
        }
    }

    /// <summary>Holds the control stream of an admitted node until one side ends it.</summary>
    public override async Task Connect(IAsyncStreamReader<NodeMessage> requests, IServerStreamWriter<GatewayMessage> responses, ServerCallContext context)
    {
        var peer = peerOf(context);
        var connection = new NodeConnection(peer.Pin, peer.Address);
        if (await RegisterAsync(connection, requests) is { } refusal)
        {
            peer.AbortLater(clock);
            throw Refusals.ToException(refusal);
        }
        var reading = ReadAsync(connection, requests);
        var writing = WriteAsync(connection, responses);
        await Task.WhenAny(reading, writing, connection.Closed);
        if (!connection.Closed.IsCompleted)
        {
            var (state, reason) = reading.IsCompletedSuccessfully ? await reading : (NodeState.Lost, "its connection broke");
            registry.Disconnected(connection, state, reason);
            connection.Close(new Refusal(RefusalReason.Other, reason));
            Observe(writing);
            // Where the transport itself refused a message, its status tells the node why.
            await reading;
            return;
        }
        // What is queued tells the node why; a node that does not read it is cut all the same.
        await Task.WhenAny(writing, Task.Delay(ControlLimits.LastWords, clock));
        Observe(reading);
        Observe(writing);
        var because = await connection.Closed;
        registry.Disconnected(connection, NodeState.Lost, because.Message);
        peer.AbortLater(clock);
        throw Refusals.ToException(because);
    }

    private async Task<Refusal?> RegisterAsync(NodeConnection connection, IAsyncStreamReader<NodeMessage> requests)
    {
        var first = requests.MoveNext();
        if (await Task.WhenAny(first, Task.Delay(ControlLimits.Patience, clock)) != first)
        {
            Observe(first);
            return new Refusal(RefusalReason.BadMessage, $"No registration came within {ControlLimits.Patience.TotalSeconds:0} s.");
        }
        if (!await first || requests.Current.Register is not { } register)
            return new Refusal(RefusalReason.BadMessage, "The first message of a control stream is the registration.");
        RequireProtocol(register.Protocol);
        return ReportMapping.TryRead(register.Report, out var report, out var fault)
            ? registry.Register(connection, report)
            : new Refusal(RefusalReason.BadMessage, $"The node's report is refused: {fault}.");
    }

    /// <summary>Takes messages until the node ends; gives the state that it is in then.</summary>
    private async Task<(NodeState State, string Reason)> ReadAsync(NodeConnection connection, IAsyncStreamReader<NodeMessage> requests)
    {
        while (await requests.MoveNext())
        {
            var message = requests.Current;
            switch (message.KindCase)
            {
                case NodeMessage.KindOneofCase.Heartbeat:
                    registry.Heartbeat(connection);
                    break;
                case NodeMessage.KindOneofCase.Report when ReportMapping.TryRead(message.Report, out var report, out var fault):
                    registry.Report(connection, report);
                    break;
                case NodeMessage.KindOneofCase.Report:
                    connection.Close(new Refusal(RefusalReason.BadMessage, "A report of the node breaks the protocol's limits."));
                    break;
                case NodeMessage.KindOneofCase.Workers when WorkerReportMapping.TryRead(message.Workers, out var workers, out _):
                    registry.Report(connection, workers);
                    break;
                case NodeMessage.KindOneofCase.Workers:
                    connection.Close(new Refusal(RefusalReason.BadMessage, "What the node reports of its workers breaks the protocol's limits."));
                    break;
                case NodeMessage.KindOneofCase.Goodbye:
                    return (NodeState.Stopped, WireText.Plain(message.Goodbye.Reason));
                // A kind that this version does not know: a newer node may say more.
                case NodeMessage.KindOneofCase.None:
                    break;
                default:
                    connection.Close(new Refusal(RefusalReason.BadMessage, "A control stream registers once."));
                    break;
            }
        }
        return (NodeState.Lost, "it ended its connection without a word");
    }

    private async Task WriteAsync(NodeConnection connection, IServerStreamWriter<GatewayMessage> responses)
    {
        await foreach (var message in connection.OutgoingAsync())
            await responses.WriteAsync(message ?? ControlMessages.Peers(registry.PeersOf(connection.Pin)));
    }

    private static NodeReport Read(Report? wire) =>
        ReportMapping.TryRead(wire, out var report, out var fault)
            ? report
            : throw Refusals.ToException(new Refusal(RefusalReason.BadMessage, $"The node's report is refused: {fault}."));

    private static void RequireProtocol(int protocol)
    {
        if (protocol != ControlLimits.Protocol)
            throw Refusals.ToException(new Refusal(
                RefusalReason.WrongProtocol,
                $"The node speaks version {protocol} of the control protocol and the gateway version {ControlLimits.Protocol}; run the same version of the program on both."));
    }

    // The transport ends these when the call ends; how they end tells nothing new.
    private static void Observe(Task task) => _ = task.ContinueWith(
        ended => ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}
