using System.Collections.Concurrent;
using System.Threading.Channels;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control;
using Formation.Inference.Cluster.Nodes.Control.Wire;
using Formation.Inference.Node.Relays;

namespace Formation.Inference.Node.Agent;

/// <summary>
/// A node of the network, from the first registration to the goodbye: keeps a control stream to each of the gateways that it knows, reports
/// what it has, and lets those peers in that they name. So a gateway that goes away costs nothing; what the node is to run says the one that decides.
/// Safe to use from any thread.
/// </summary>
public sealed class NodeAgent
{
    private const int MostProbesWaiting = 128;

    private readonly Lock _lock = new();
    private readonly NodeAgentOptions _options;
    private readonly ConcurrentDictionary<string, LinkReport> _links = new(StringComparer.Ordinal);
    private readonly Channel<string> _probes = Channel.CreateBounded<string>(
        new BoundedChannelOptions(MostProbesWaiting) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly RelayDoor _door;
    private readonly DecidingGateway _deciding = new();
    private readonly SortedDictionary<string, GatewayTie> _ties = new(StringComparer.Ordinal);
    private Membership _membership;
    private IReadOnlyList<string> _addresses = [];
    private IReadOnlyList<NodePeer>? _spoken;
    private TaskCompletionSource _gatewaysChanged = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public NodeAgent(NodeAgentOptions options)
    {
        _options = options;
        _membership = options.Membership;
        var relays = new RelayDialer(options.Identity, () => Gateways, options.Clock);
        (Relays, _door) = (relays, new RelayDoor(relays));
    }

    /// <summary>Those that this node may speak with.</summary>
    public PeerDirectory Peers { get; } = new();

    /// <summary>The gateways that this node knows now.</summary>
    public IReadOnlyList<KnownGateway> Gateways => Volatile.Read(ref _membership).Gateways;

    /// <summary>Reaches those that can't be dialled, through the gateways.</summary>
    public IRelayDialer Relays { get; }

    /// <summary>Whether the operator wants no new work here.</summary>
    public bool IsDraining
    {
        get
        {
            lock (_lock)
                return Voice() is { IsDraining: true };
        }
    }

    /// <summary>What this node serves to peers that dial it, by the protocol that they ask for (ALPN). Add before it runs.</summary>
    public Dictionary<string, PeerHandler> Protocols { get; } = new(StringComparer.Ordinal);

    /// <summary>After each registration, with the URL of the gateway.</summary>
    public event Action<Uri>? Online;

    /// <summary>Runs until it is stopped.</summary>
    /// <exception cref="NodeRefusedException">The network does not want this node (any more): trying again can't help.</exception>
    /// <exception cref="IOException">The address for peers can't be listened on.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await using var listener = Listen();
        using var door = _door;
        door.Open(listener.Accept);
        var probing = ProbeAsync(ended.Token);
        var running = new Dictionary<KeyPin, Task<Refusal?>>();
        try
        {
            await KeepTiesAsync(running, ended.Token);
        }
        finally
        {
            ended.Cancel();
            await Task.WhenAll(running.Values);
            await probing;
        }
    }

    // Each gateway that is known has a stream of its own. One that refuses the node is left alone; where no other one holds it, that is the end.
    private async Task KeepTiesAsync(Dictionary<KeyPin, Task<Refusal?>> running, CancellationToken stop)
    {
        var refusing = new HashSet<KeyPin>();
        while (!stop.IsCancellationRequested)
        {
            Task changed;
            lock (_lock)
            {
                changed = _gatewaysChanged.Task;
                foreach (var gateway in _membership.Gateways.Where(gateway => !running.ContainsKey(gateway.Pin) && !refusing.Contains(gateway.Pin)))
                    running[gateway.Pin] = Tie(gateway.Pin).RunAsync(stop);
            }
            await Task.WhenAny([changed, .. running.Values]);
            foreach (var (gateway, _) in running.Where(tie => tie.Value.IsCompleted).ToList())
            {
                running.Remove(gateway, out var task);
                if (await task! is not { } refusal)
                    continue;
                refusing.Add(gateway);
                lock (_lock)
                {
                    _ties.Remove(gateway.Text);
                    if (!_ties.Values.Any(tie => tie.IsOnline))
                        throw new NodeRefusedException(refusal);
                }
                _options.Progress($"The gateway with the key {gateway.Short} does not want this node: {refusal.Message}");
            }
        }
    }

    private GatewayTie Tie(KeyPin gateway)
    {
        GatewayTie? tie = null;
        tie = new GatewayTie(_options, gateway)
        {
            Urls = () => Gateways.FirstOrDefault(known => known.Pin == gateway)?.Urls ?? [],
            Report = () => Report(gateway),
            Welcomed = (url, message) => Welcome(gateway, url, message),
            Received = message => Receive(tie!, message),
            Parted = HeldChanged,
        };
        return _ties[gateway.Text] = tie;
    }

    /// <summary>The gateway whose word counts where they may differ for a moment: the one that decides, or while that is away, another one.</summary>
    private GatewayTie? Voice()
    {
        var online = _ties.Values.Where(tie => tie.IsOnline).ToList();
        return online.Find(tie => tie.Gateway == _deciding.Pin) ?? online.FirstOrDefault();
    }

    private NodeReport Report(KeyPin gateway)
    {
        var inventory = _options.Inventory();
        return inventory with
        {
            Name = _membership.Name,
            FreeMemoryBytes = Math.Clamp(inventory.MemoryBytes - (_options.Workers?.OrderedBytes ?? 0), 0, inventory.FreeMemoryBytes),
            Addresses = [.. _addresses.Concat(Holding(gateway).Select(PeerAddress.Relay)).Take(ControlLimits.Addresses)],
            Links = [.. _links.Values.OrderBy(link => link.Peer, StringComparer.Ordinal)],
        };
    }

    // The gateways through which others reach this node: those that can tell it of a call. The asking one is about to be.
    private List<KeyPin> Holding(KeyPin? asking = null)
    {
        lock (_lock)
            return [.. _ties.Values.Where(tie => tie.IsOnline || tie.Gateway == asking).Select(tie => tie.Gateway)];
    }

    private void Welcome(KeyPin gateway, Uri url, Welcome message)
    {
        Learn(message.Gateways);
        _options.Progress($"Online at {url} as {_membership.Name}; the gateway's key is {gateway.Short}");
        HeldChanged();
        Online?.Invoke(url);
    }

    private void HeldChanged()
    {
        _options.Workers?.UseRelays(Gateways, Holding());
        Speak();
    }

    // What a gateway tells of itself and the others.
    private void Learn(IEnumerable<Gateway> told)
    {
        lock (_lock)
        {
            var now = _membership.With(GatewayMessages.Gateways(told));
            if (now.Says(_membership))
                return;
            Volatile.Write(ref _membership, now);
            _gatewaysChanged.SetResult();
            _gatewaysChanged = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        Remember();
    }

    private void Remember()
    {
        try
        {
            Volatile.Read(ref _membership).Save(_options.Folder);
        }
        // The node works without; only after a restart it would know fewer gateways.
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _options.Progress($"The gateways can't be remembered in {_options.Folder}: {error.Message}");
        }
    }

    private void Receive(GatewayTie tie, GatewayMessage message)
    {
        switch (message.KindCase)
        {
            case GatewayMessage.KindOneofCase.Peers:
                tie.Peers = GatewayMessages.Read(message.Peers);
                Speak();
                break;
            case GatewayMessage.KindOneofCase.Gateways:
                Learn(message.Gateways.Gateways);
                _options.Workers?.UseRelays(Gateways, Holding());
                break;
            case GatewayMessage.KindOneofCase.ProbeLinks:
                foreach (var peer in message.ProbeLinks.Peers.Take(ControlLimits.ProbedPeers))
                    _probes.Writer.TryWrite(peer);
                break;
            case GatewayMessage.KindOneofCase.Drain when message.Drain.IsDraining != tie.IsDraining:
                var before = IsDraining;
                tie.IsDraining = message.Drain.IsDraining;
                if (IsDraining is var now && now != before)
                    _options.Progress(now ? "Draining: the operator wants no new work here" : "Work may come here again");
                break;
            case GatewayMessage.KindOneofCase.Workers:
                Follow(tie, message.Workers);
                break;
            case GatewayMessage.KindOneofCase.CallBack:
                var call = new RelayCall(tie.Gateway, message.CallBack.Ticket.ToByteArray());
                if (message.CallBack.Worker.Length == 0)
                    _door.Answer(call);
                else if (call.IsWellFormed)
                    _options.Workers?.Answer(message.CallBack.Worker, call);
                break;
            // A newer gateway may say what this version does not know.
            default:
                break;
        }
    }

    private void Follow(GatewayTie tie, WorkerOrders orders)
    {
        lock (_lock)
        {
            if (!_deciding.TryFollow(tie.Gateway, orders.Term))
                return;
            _options.Workers?.Apply(GatewayMessages.Orders(orders, fault => _options.Progress($"An order of the gateway can't be carried out: {fault}")));
        }
        Speak();
    }

    // Those whom the gateway names whose word counts may speak with this node.
    private void Speak()
    {
        lock (_lock)
        {
            if (Voice()?.Peers is not { } peers || ReferenceEquals(peers, _spoken))
                return;
            Peers.Replace(_spoken = peers);
        }
        foreach (var gone in _links.Keys.Where(name => Peers.Find(name) is null))
            _links.TryRemove(gone, out _);
    }

    private PeerListener Listen()
    {
        Protocols[PeerProbe.Protocol] = PeerProbe.Answers(_options.Clock);
        var listener = PeerListener.Start(_options.Listen, _options.Identity, Peers, Protocols, _options.Clock);
        if (listener.Endpoint is { } endpoint)
            _addresses = LocalAddresses.Of(endpoint, new Uri(Gateways[0].Urls[0]));
        return listener;
    }

    // One at a time: two measurements at once would measure each other.
    private async Task ProbeAsync(CancellationToken ended)
    {
        try
        {
            await foreach (var name in _probes.Reader.ReadAllAsync(ended))
            {
                if (Peers.Find(name) is not { } peer)
                    continue;
                try
                {
                    _links[name] = await PeerProbe.MeasureAsync(_options.Identity, peer, _options.Clock, Relays, ended);
                }
                catch (PeerUnreachableException unreachable)
                {
                    _links.TryRemove(name, out _);
                    _options.Progress($"The way to {name} can't be measured: {unreachable.Message}");
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }
}
