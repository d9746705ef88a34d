using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes.Control;
using Formation.Inference.Cluster.Nodes.Storage;
using Formation.Inference.Cluster.Workers;
using Formation.Inference.Storage;

namespace Formation.Inference.Cluster.Nodes;

/// <summary>
/// The nodes as one gateway sees them: admits them, holds their connections, sees when they fall silent, and removes them. What was decided
/// about a node is in the store, which other gateways may share; what it says of itself is in memory, and comes back when it registers anew. Safe to
/// use from any thread.
/// </summary>
public sealed class NodeRegistry : IDisposable
{
    private static readonly byte[] NoHash = new byte[SHA256.HashSizeInBytes];

    /// <summary>How often at most the store is asked about keys that nobody knows: whoever dials may have made them up.</summary>
    private static readonly TimeSpan UnknownKeyInterval = TimeSpan.FromSeconds(1);

    // Held while the store is asked, which may take a while, and in front of the other one. Whoever only hears of nodes never waits for it.
    private readonly Lock _deciding = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<KeyPin, LiveNode> _byPin = [];
    private readonly Dictionary<string, LiveNode> _byName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Control.Wire.WorkerOrders> _orders = new(StringComparer.Ordinal);
    private readonly WorkerKeys _workerKeys = new();
    private readonly NodeStore _store;
    private readonly NodeRegistryOptions _options;
    private readonly TimeProvider _clock;
    private readonly ITimer _looks;
    private IReadOnlyList<KnownGateway> _gateways;
    private long? _term;
    private long? _askedOfUnknown;

    /// <param name="store">What was decided before.</param>
    /// <param name="gateways">The gateways that nodes are told of, this one first.</param>
    /// <param name="options">Times.</param>
    /// <param name="clock">The clock of leases, tokens and events.</param>
    public NodeRegistry(NodeStore store, IReadOnlyList<KnownGateway> gateways, NodeRegistryOptions options, TimeProvider clock)
    {
        _store = store;
        _options = options;
        _clock = clock;
        _gateways = gateways;
        Log = new NodeEventLog(clock);
        foreach (var record in store.Nodes())
            Keep(new LiveNode(record, clock.GetUtcNow()));
        _looks = clock.CreateTimer(_ => LookForSilence(), null, options.LookInterval, options.LookInterval);
    }

    /// <summary>The gateways that nodes are told of, this one first.</summary>
    public IReadOnlyList<KnownGateway> Gateways => Volatile.Read(ref _gateways);

    /// <summary>What happened.</summary>
    public NodeEventLog Log { get; }

    /// <summary>After each change of a node or its workers, heartbeats apart; handlers must not block, nor call the registry.</summary>
    public event Action? Changed;

    /// <summary>After a node's removal, with its name; handlers must not block, nor call the registry.</summary>
    public event Action<string>? Removed;

    /// <summary>All admitted nodes, ordered by name.</summary>
    public IReadOnlyList<NodeStatus> List()
    {
        lock (_lock)
            return [.. _byName.Values.OrderBy(node => node.Record.Name, StringComparer.Ordinal).Select(node => node.Status())];
    }

    /// <summary>The admitted node with this name, or null.</summary>
    public NodeStatus? Find(string name)
    {
        lock (_lock)
            return _byName.GetValueOrDefault(name)?.Status();
    }

    /// <summary>The admitted node with this key, or null.</summary>
    public NodeStatus? Find(KeyPin pin)
    {
        lock (_lock)
            return _byPin.GetValueOrDefault(pin) is { Record.Removed: null } node ? node.Status() : null;
    }

    /// <summary>Whose key this is: an admitted node's, or that of a worker that such a node reports; else null.</summary>
    public KeyHolder? HolderOf(KeyPin pin)
    {
        lock (_lock)
            return FindHolder(pin, out var worker) is { } node ? new KeyHolder(node.Record.Name, worker, node.Connection is not null) : null;
    }

    /// <summary>Tells the node that has this key, or whose worker does, that somebody wants to reach it. False where it is not online.</summary>
    /// <param name="pin">The key.</param>
    /// <param name="ticket">With what it is to call back.</param>
    public bool CallBack(KeyPin pin, ReadOnlySpan<byte> ticket)
    {
        lock (_lock)
        {
            if (FindHolder(pin, out var worker) is not { Connection: { } connection })
                return false;
            connection.Send(ControlMessages.CallBack(ticket, worker));
            return true;
        }
    }

    /// <summary>All admitted nodes but one: whom that one may speak with.</summary>
    public IReadOnlyList<NodePeer> PeersOf(KeyPin pin)
    {
        lock (_lock)
            return [.. _byName.Values.Where(node => node.Record.Pin != pin).Select(node => node.AsPeer())];
    }

    /// <summary>Makes a token that admits one node.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The lifetime is not above zero, or longer than allowed.</exception>
    public (JoinToken Token, DateTimeOffset Expires) Invite(AdmissionTerms terms, TimeSpan lifetime)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(lifetime, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lifetime, _options.LongestTokenLifetime);
        var token = JoinToken.Create(Gateways[0].Pin);
        var now = _clock.GetUtcNow();
        // A token is remembered for a while after its end, so that who comes late is told that it expired.
        _store.Add(new StoredToken(token.Id, token.Hash(), terms, now + lifetime, UsedBy: null), forgetBefore: now - _options.LongestTokenLifetime);
        return (token, now + lifetime);
    }

    /// <summary>
    /// Spends a token on the node with this key. The same node may ask again with the same token, because its first answer may have been lost
    /// on the way.
    /// </summary>
    public bool TryAdmit(
        string tokenText, KeyPin pin, NodeReport report, [NotNullWhen(true)] out NodeRecord? record, [NotNullWhen(false)] out Refusal? refusal)
    {
        record = null;
        lock (_deciding)
        {
            refusal = TokenFault(tokenText, pin, out var token) ?? (token!.UsedBy is null ? Admit(token, pin, report, out record) : null);
            if (refusal is not null)
                return false;
            lock (_lock)
                record ??= _byPin[pin].Record;
            return true;
        }
    }

    /// <summary>
    /// Admits the node of the gateway's own machine, whose key lies beside the gateway's: it needs no token. It is trusted as the gateway is.
    /// </summary>
    /// <param name="pin">Its key.</param>
    /// <param name="report">What it says of itself; where its name is taken, it gets another one.</param>
    /// <returns>Its name, or null where the operator has removed it.</returns>
    public string? AdmitOwn(KeyPin pin, NodeReport report)
    {
        lock (_deciding)
        {
            for (var i = 1; i < 100; i++)
            {
                var name = i == 1 ? report.Name : $"{report.Name[..Math.Min(report.Name.Length, NodeName.MaximumLength - 4)]}-{i}";
                lock (_lock)
                {
                    if (_byPin.GetValueOrDefault(pin) is { } known)
                        return known.Record.Removed is null ? known.Record.Name : null;
                    if (_byName.ContainsKey(name))
                        continue;
                }
                var record = new NodeRecord(pin, name, report.Region, new Dictionary<string, string>(), IsTrusted: true, _clock.GetUtcNow());
                if (_store.AdmitOwn(record))
                {
                    lock (_lock)
                        Keep(new LiveNode(record, _clock.GetUtcNow()));
                    Log.Add(name, "joined", "it is the gateway's own machine");
                    return name;
                }
                // Another gateway has given the name away meanwhile.
                TakeStored();
            }
            return null;
        }
    }

    /// <summary>Takes a node's control connection into use; an older one of the same node is closed.</summary>
    /// <returns>Why the node is refused, or null.</returns>
    public Refusal? Register(NodeConnection connection, NodeReport report)
    {
        if (!TryFindUnknown(connection.Pin))
            return AdmissionRefusals.NotNow;
        lock (_lock)
        {
            var refusal = RegistrationFault(connection.Pin, report, out var node);
            if (refusal is not null)
            {
                if (node is not null)
                    Log.Add(node.Record.Name, "refused", refusal.Message);
                return refusal;
            }
            node!.Connection?.Close(new Refusal(RefusalReason.Replaced, "the node has connected anew"));
            node.Connection = connection;
            node.Report = report;
            Heard(node);
            Become(node, NodeState.Online, $"connected from {connection.Address}");
            connection.Send(ControlMessages.Welcome(_options, Gateways));
            connection.PeersChanged();
            if (node.Record.IsDraining)
                connection.Send(ControlMessages.Drain(true));
            if (_term is { } term)
                connection.Send(ControlMessages.Workers(_orders.GetValueOrDefault(node.Record.Name) ?? NoOrders(term)));
            TellOthers(node);
            AskForProbes(node);
            return null;
        }
    }

    /// <summary>Takes what a node says of itself now.</summary>
    public void Report(NodeConnection connection, NodeReport report)
    {
        lock (_lock)
        {
            if (Current(connection) is not { } node)
                return;
            if (report.Name != node.Record.Name)
            {
                connection.Close(AdmissionRefusals.WrongName(node.Record, report.Name));
                return;
            }
            var moved = !report.Addresses.SequenceEqual(node.Report!.Addresses);
            node.Report = report;
            Heard(node);
            if (moved)
                TellOthers(node);
            Changed?.Invoke();
        }
    }

    /// <summary>Takes what a node says of its workers now.</summary>
    public void Report(NodeConnection connection, IReadOnlyDictionary<string, WorkerReport> workers)
    {
        lock (_lock)
        {
            if (Current(connection) is not { } node)
                return;
            node.Workers = workers;
            _workerKeys.Note(node.Record.Name, workers.Values);
            Heard(node);
            Changed?.Invoke();
        }
    }

    /// <summary>
    /// Says what all nodes are to run: those are told whose list changes, and each one when it registers. Only the gateway that decides says
    /// it; nodes hear of the others nothing about workers.
    /// </summary>
    /// <param name="term">Since when this gateway decides.</param>
    /// <param name="orders">By the name of the node; one that is left out is to run nothing.</param>
    public void Order(long term, ILookup<string, WorkerOrder> orders)
    {
        lock (_lock)
        {
            _term = term;
            foreach (var name in orders.Select(order => order.Key).Union(_byName.Keys).Union(_orders.Keys).ToList())
            {
                var message = NoOrders(term);
                message.Workers.Add(orders[name].Select(WorkerOrderMapping.ToWire));
                if (message.Equals(_orders.GetValueOrDefault(name)))
                    continue;
                _orders[name] = message;
                _byName.GetValueOrDefault(name)?.Connection?.Send(ControlMessages.Workers(message));
            }
        }
    }

    /// <summary>Another gateway decides from now on.</summary>
    public void StopOrdering()
    {
        lock (_lock)
        {
            _term = null;
            _orders.Clear();
        }
    }

    /// <summary>Says which gateways there are; nodes are told where that changes.</summary>
    /// <param name="gateways">All of them, this one first.</param>
    public void SetGateways(IReadOnlyList<KnownGateway> gateways)
    {
        lock (_lock)
        {
            var before = ControlMessages.Gateways(_gateways);
            Volatile.Write(ref _gateways, gateways);
            if (ControlMessages.Gateways(gateways) is var message && message.Equals(before))
                return;
            foreach (var node in _byName.Values)
                node.Connection?.Send(message);
            Changed?.Invoke();
        }
    }

    /// <summary>Takes over what other gateways have decided about nodes.</summary>
    public void Refresh()
    {
        lock (_deciding)
            TakeStored();
    }

    /// <summary>Notes that a node lives, and answers it.</summary>
    public void Heartbeat(NodeConnection connection)
    {
        lock (_lock)
        {
            if (Current(connection) is not { } node)
                return;
            Heard(node);
            connection.Send(ControlMessages.Heartbeat());
        }
    }

    /// <summary>Notes that a connection has ended.</summary>
    /// <param name="connection">Which.</param>
    /// <param name="state"><see cref="NodeState.Stopped"/> where the node said goodbye, else <see cref="NodeState.Lost"/>.</param>
    /// <param name="reason">Why, in words.</param>
    public void Disconnected(NodeConnection connection, NodeState state, string reason)
    {
        lock (_lock)
        {
            if (Current(connection) is { } node)
                Drop(node, state, reason);
        }
    }

    /// <summary>Says whether a node is to take no new work. False where there is none of that name.</summary>
    public bool SetDraining(string name, bool isDraining)
    {
        lock (_deciding)
        {
            if (Find(name) is not { } node)
                return false;
            if (node.Record.IsDraining == isDraining)
                return true;
            _store.SetDraining(node.Record.Pin, isDraining);
            lock (_lock)
                Drain(_byPin[node.Record.Pin], isDraining);
            return true;
        }
    }

    /// <summary>Ends a node's admission and cuts its connection; the others learn that they know it no more. False where there is none.</summary>
    public bool Remove(string name)
    {
        lock (_deciding)
        {
            if (Find(name) is not { } node)
                return false;
            var now = _clock.GetUtcNow();
            _store.Remove(node.Record.Pin, now);
            lock (_lock)
                Expel(_byPin[node.Record.Pin], now);
            return true;
        }
    }

    /// <summary>Closes all connections: the gateway stops, and nodes turn to another one.</summary>
    public void Dispose()
    {
        _looks.Dispose();
        lock (_lock)
            foreach (var node in _byPin.Values)
                node.Connection?.Close(new Refusal(RefusalReason.ShuttingDown, "the gateway stops"));
    }

    private static Control.Wire.WorkerOrders NoOrders(long term) => new() { Term = term };

    private void Drain(LiveNode node, bool isDraining)
    {
        node.Record = node.Record with { IsDraining = isDraining };
        node.Connection?.Send(ControlMessages.Drain(isDraining));
        Changed?.Invoke();
        Log.Add(
            node.Record.Name, isDraining ? "draining" : "resumed",
            isDraining ? "the operator wants no new work there" : "the operator lets work go there again");
    }

    private void Expel(LiveNode node, DateTimeOffset removed)
    {
        var name = node.Record.Name;
        _byName.Remove(name);
        node.Record = node.Record with { Removed = removed };
        const string reason = "the operator removed this node";
        node.Connection?.Send(ControlMessages.Removed(reason));
        node.Connection?.Close(new Refusal(RefusalReason.Removed, reason));
        node.Connection = null;
        Log.Add(name, "removed", "by the operator");
        _orders.Remove(name);
        _workerKeys.Forget(name);
        Changed?.Invoke();
        Removed?.Invoke(name);
        TellOthers(node);
    }

    // A node that another gateway has just admitted may come before word of it does.
    private bool TryFindUnknown(KeyPin pin)
    {
        lock (_lock)
        {
            if (!_options.IsShared || _byPin.ContainsKey(pin))
                return true;
            if (_askedOfUnknown is { } asked && _clock.GetElapsedTime(asked) < UnknownKeyInterval)
                return false;
            _askedOfUnknown = _clock.GetTimestamp();
        }
        try
        {
            Refresh();
            return true;
        }
        catch (StorageException)
        {
            return false;
        }
    }

    private void TakeStored()
    {
        var records = _store.Nodes();
        lock (_lock)
        {
            foreach (var record in records)
                Take(record);
        }
    }

    private void Take(NodeRecord record)
    {
        var known = _byPin.GetValueOrDefault(record.Pin);
        if (known is null || (record.Removed is null && record.Joined != known.Record.Joined))
        {
            if (record.Removed is null)
                Admitted(record, known);
            else
                Keep(new LiveNode(record, _clock.GetUtcNow()));
        }
        else if (record.Removed is { } removed)
        {
            if (known.Record.Removed is null)
                Expel(known, removed);
        }
        else if (record.IsDraining != known.Record.IsDraining)
        {
            Drain(known, record.IsDraining);
        }
    }

    private void Admitted(NodeRecord record, LiveNode? known)
    {
        if (known is { Record.Removed: null })
        {
            known.Connection?.Close(new Refusal(RefusalReason.Replaced, "the node was admitted anew"));
            _byName.Remove(known.Record.Name);
        }
        var node = new LiveNode(record, _clock.GetUtcNow());
        Keep(node);
        TellOthers(node);
    }

    private void Keep(LiveNode node)
    {
        _byPin[node.Record.Pin] = node;
        if (node.Record.Removed is null)
            _byName[node.Record.Name] = node;
    }

    // A node's own key comes first: no worker of another draws its calls to itself.
    private LiveNode? FindHolder(KeyPin pin, out string? worker)
    {
        worker = null;
        if (_byPin.GetValueOrDefault(pin) is { } node)
            return node.Record.Removed is null ? node : null;
        if (_workerKeys.Find(pin) is not { } holder)
            return null;
        worker = holder.Worker;
        return _byName.GetValueOrDefault(holder.Node);
    }

    private Refusal? TokenFault(string text, KeyPin pin, out StoredToken? stored)
    {
        stored = null;
        if (!JoinToken.TryParse(text, out var token, out var fault))
            return new Refusal(RefusalReason.TokenMalformed, $"The token can't be read: {fault}. Copy it again, whole.");
        stored = _store.FindToken(token.Id);
        // The comparison runs for an unknown id too, so that its answer takes no other path than a wrong secret's.
        var matches = CryptographicOperations.FixedTimeEquals(token.Hash(), stored?.Hash ?? NoHash);
        if (stored is null || !matches)
            return new Refusal(RefusalReason.TokenUnknown, $"This gateway knows no token {token.Id}. Make one with 'form node token create'.");
        if (stored.UsedBy is { } user)
            return user == pin && Find(pin) is not null
                ? null
                : Told(new Refusal(RefusalReason.TokenUsed, $"The token {token.Id} has admitted a node already. Make another one with 'form node token create'."));
        if (stored.Expires <= _clock.GetUtcNow())
            return Told(new Refusal(
                RefusalReason.TokenExpired, $"The token {token.Id} expired at {stored.Expires:u}. Make another one with 'form node token create'."));
        return null;

        Refusal Told(Refusal refusal)
        {
            Log.Add("", "refused", $"{refusal.Message} (asked by the key {pin.Short})");
            return refusal;
        }
    }

    private Refusal? Admit(StoredToken token, KeyPin pin, NodeReport report, out NodeRecord? record)
    {
        record = null;
        if (Find(report.Name) is { } other && other.Record.Pin != pin)
            return AdmissionRefusals.NameTaken(report.Name);
        var admitted = new NodeRecord(pin, report.Name, token.Terms.Region ?? report.Region, token.Terms.Labels, token.Terms.IsTrusted, _clock.GetUtcNow());
        if (!_store.Admit(token.Id, admitted))
            return _store.FindToken(token.Id)?.UsedBy is null
                ? AdmissionRefusals.NameTaken(report.Name)
                : new Refusal(RefusalReason.TokenUsed, $"The token {token.Id} has admitted a node already.");
        lock (_lock)
            Admitted(admitted, _byPin.GetValueOrDefault(pin));
        Log.Add(admitted.Name, "joined", $"admitted by the token {token.Id}{(admitted.IsTrusted ? ", trusted" : "")}, with the key {pin.Short}");
        record = admitted;
        return null;
    }

    private Refusal? RegistrationFault(KeyPin pin, NodeReport report, out LiveNode? node)
    {
        if (!_byPin.TryGetValue(pin, out node))
            return AdmissionRefusals.Unknown(pin);
        if (node.Record.Removed is not null)
            return AdmissionRefusals.Removed(node.Record);
        return report.Name == node.Record.Name ? null : AdmissionRefusals.WrongName(node.Record, report.Name);
    }

    // A connection that was replaced may still deliver a message or its end: that says nothing of the node any more.
    private LiveNode? Current(NodeConnection connection) =>
        _byPin.TryGetValue(connection.Pin, out var node) && node.Connection == connection ? node : null;

    private void Heard(LiveNode node)
    {
        node.LastSeen = _clock.GetUtcNow();
        node.LastSeenTimestamp = _clock.GetTimestamp();
    }

    private void Become(LiveNode node, NodeState state, string reason)
    {
        node.Become(state, reason, _clock.GetUtcNow());
        Log.Add(node.Record.Name, state.ToString().ToLowerInvariant(), reason);
        Changed?.Invoke();
    }

    private void Drop(LiveNode node, NodeState state, string reason)
    {
        node.Connection = null;
        Become(node, state, reason);
        TellOthers(node);
    }

    private void TellOthers(LiveNode changed)
    {
        foreach (var node in _byName.Values)
            if (node != changed)
                node.Connection?.PeersChanged();
    }

    private void LookForSilence()
    {
        lock (_lock)
        {
            foreach (var node in _byName.Values)
            {
                if (node.Connection is not { } connection)
                    continue;
                var silence = _clock.GetElapsedTime(node.LastSeenTimestamp);
                if (silence > _options.Lease)
                {
                    var reason = FormattableString.Invariant($"nothing was heard of it for {silence.TotalSeconds:0.0} s");
                    connection.Close(new Refusal(RefusalReason.Silent, reason));
                    Drop(node, NodeState.Lost, reason);
                }
                else if (_clock.GetElapsedTime(node.LastProbeTimestamp) > _options.ProbeInterval)
                {
                    AskForProbes(node);
                }
            }
        }
    }

    private void AskForProbes(LiveNode node)
    {
        node.LastProbeTimestamp = _clock.GetTimestamp();
        // One gateway asks for all: two measurements of the same way at once would measure each other.
        if (_term is not null)
            LinkProbing.Ask(node, [.. _byName.Values.Where(other => other != node && other.Connection is not null)]);
    }
}
