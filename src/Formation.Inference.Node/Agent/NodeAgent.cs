using System.Collections.Concurrent;
using System.Threading.Channels;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control;
using Formation.Inference.Cluster.Nodes.Control.Wire;
using Formation.Inference.Node.Relays;

namespace Formation.Inference.Node.Agent;

/// <summary>
/// A node of the network, from the first registration to the goodbye: keeps a control stream to one of the gateways that it knows, reports
/// what it has, and lets those peers in that the gateway names. When its gateway goes away, it turns to the next one, and registers anew.
/// </summary>
public sealed class NodeAgent
{
    private const int MostProbesWaiting = 128;

    private readonly NodeAgentOptions _options;
    private readonly Backoff _backoff;
    private readonly ConcurrentDictionary<string, LinkReport> _links = new(StringComparer.Ordinal);
    private readonly Channel<string> _probes = Channel.CreateBounded<string>(
        new BoundedChannelOptions(MostProbesWaiting) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly RelayDoor _door;
    private Membership _membership;
    private IReadOnlyList<string> _addresses = [];
    private volatile KeyPin? _gateway;
    private volatile bool _isDraining;
    private string? _lastTrouble;

    public NodeAgent(NodeAgentOptions options)
    {
        _options = options;
        _membership = options.Membership;
        _backoff = new Backoff(options.Random);
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
    public bool IsDraining => _isDraining;

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
        try
        {
            for (var at = 0; !stop.IsCancellationRequested;)
            {
                var ways = Ways();
                at %= ways.Count;
                if (await TryAsync(ways[at].Url, ways[at].Pin, stop))
                    continue;
                // All gateways are tried in turn before the node waits: the next one may be there.
                if (++at == ways.Count)
                    await Task.Delay(_backoff.Next(), _options.Clock, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
        finally
        {
            ended.Cancel();
            await probing;
        }
    }

    /// <returns>Whether the gateway took the node in, and so is the first to try again.</returns>
    private async Task<bool> TryAsync(Uri url, KeyPin gateway, CancellationToken stop)
    {
        var welcomed = false;
        _gateway = gateway;
        using var link = new GatewayLink(_options.Identity, url, gateway, _options.Clock);
        var session = new ControlSession(link, Report, _options.Workers, _options.ReportInterval, _options.Clock)
        {
            Welcomed = message =>
            {
                welcomed = true;
                Welcome(url, gateway, message);
            },
            Received = Receive,
        };
        try
        {
            await session.RunAsync(stop);
        }
        catch (NodeRefusedException refused) when (!refused.Refusal.IsFinal)
        {
            Trouble($"The gateway at {url} ended the connection: {refused.Message}");
        }
        catch (GatewayUnreachableException unreachable)
        {
            Trouble(unreachable.Message);
        }
        if (welcomed && !stop.IsCancellationRequested)
            await Task.Delay(_backoff.Next(), _options.Clock, stop);
        return welcomed;
    }

    private List<(Uri Url, KeyPin Pin)> Ways() =>
        [.. _membership.Gateways.SelectMany(gateway => gateway.Urls.Select(url => (new Uri(url), gateway.Pin)))];

    private NodeReport Report()
    {
        var inventory = _options.Inventory();
        return inventory with
        {
            Name = _membership.Name,
            FreeMemoryBytes = Math.Clamp(inventory.MemoryBytes - (_options.Workers?.OrderedBytes ?? 0), 0, inventory.FreeMemoryBytes),
            Addresses = _gateway is { } gateway ? [.. _addresses, PeerAddress.Relay(gateway)] : _addresses,
            Links = [.. _links.Values.OrderBy(link => link.Peer, StringComparer.Ordinal)],
        };
    }

    private void Welcome(Uri url, KeyPin gateway, Welcome message)
    {
        _backoff.Reset();
        _lastTrouble = null;
        _isDraining = false;
        Remember(_membership.With(GatewayMessages.Gateways(message)));
        // The one first that holds the control stream: it alone can tell this node of a call.
        _options.Workers?.UseRelays([.. Gateways.Where(known => known.Pin == gateway), .. Gateways.Where(known => known.Pin != gateway)]);
        _options.Progress($"Online at {url} as {_membership.Name}; the gateway's key is {gateway.Short}");
        Online?.Invoke(url);
    }

    private void Remember(Membership now)
    {
        var isNew = !now.Says(_membership);
        _membership = now;
        if (!isNew)
            return;
        try
        {
            now.Save(_options.Folder);
        }
        // The node works without; only after a restart it would know fewer gateways.
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _options.Progress($"The gateways can't be remembered in {_options.Folder}: {error.Message}");
        }
    }

    private void Receive(GatewayMessage message)
    {
        switch (message.KindCase)
        {
            case GatewayMessage.KindOneofCase.Peers:
                Peers.Replace(GatewayMessages.Read(message.Peers));
                foreach (var gone in _links.Keys.Where(name => Peers.Find(name) is null))
                    _links.TryRemove(gone, out _);
                break;
            case GatewayMessage.KindOneofCase.ProbeLinks:
                foreach (var peer in message.ProbeLinks.Peers.Take(ControlLimits.ProbedPeers))
                    _probes.Writer.TryWrite(peer);
                break;
            case GatewayMessage.KindOneofCase.Drain when message.Drain.IsDraining != _isDraining:
                _isDraining = message.Drain.IsDraining;
                _options.Progress(_isDraining ? "Draining: the operator wants no new work here" : "Work may come here again");
                break;
            case GatewayMessage.KindOneofCase.Workers:
                _options.Workers?.Apply(GatewayMessages.Orders(
                    message.Workers, fault => _options.Progress($"An order of the gateway can't be carried out: {fault}")));
                break;
            case GatewayMessage.KindOneofCase.CallBack when _gateway is { } gateway:
                var call = new RelayCall(gateway, message.CallBack.Ticket.ToByteArray());
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

    private PeerListener Listen()
    {
        Protocols[PeerProbe.Protocol] = PeerProbe.Answers(_options.Clock);
        var listener = PeerListener.Start(_options.Listen, _options.Identity, Peers, Protocols, _options.Clock);
        if (listener.Endpoint is { } endpoint)
            _addresses = LocalAddresses.Of(endpoint, Ways()[0].Url);
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

    // A gateway that stays away is one line, not one for each try.
    private void Trouble(string message)
    {
        if (message != _lastTrouble)
            _options.Progress($"{message} Trying again.");
        _lastTrouble = message;
    }
}
