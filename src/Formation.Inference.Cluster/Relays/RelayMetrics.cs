using System.Diagnostics.Metrics;
using Formation.Inference.Cluster.Routing;

namespace Formation.Inference.Cluster.Relays;

/// <summary>The instruments of a relay.</summary>
public sealed class RelayMetrics : IDisposable
{
    private readonly Meter _meter = new(RoutingMetrics.Name);
    private readonly Counter<long> _bytes;
    private readonly UpDownCounter<int> _connections;
    private readonly Counter<long> _calls;

    public RelayMetrics()
    {
        _bytes = _meter.CreateCounter<long>("formation.relayed", "By", "Bytes of relayed connections that a node has a part in, by node_name.");
        _connections = _meter.CreateUpDownCounter<int>("formation.relayed_connections", description: "Relayed connections that are open.");
        _calls = _meter.CreateCounter<long>("formation.relay_calls", description: "Calls through the relay, by how they ended.");
    }

    public void Dispose() => _meter.Dispose();

    internal void NoteBytes(string? node, long bytes)
    {
        // The gateway's own end is no node's.
        if (node is not null)
            _bytes.Add(bytes, new KeyValuePair<string, object?>("node_name", node));
    }

    internal void NoteOpen(int change) => _connections.Add(change);

    internal void NoteCall(RelayStatus status) => _calls.Add(1, new KeyValuePair<string, object?>("status", status.ToString()));
}
