using System.Diagnostics.CodeAnalysis;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Weights;
using Wire = Formation.Inference.Cluster.Nodes.Control.Wire;

namespace Formation.Inference.Cluster.Workers;

/// <summary>
/// Orders as messages and back. A node trusts its gateway to say what it runs, and not to make it overflow: an order that breaks a limit is not
/// carried out.
/// </summary>
public static class WorkerOrderMapping
{
    private const int MostLayers = 4096;
    private const int MostBlocks = 1 << 24;
    private const int MostBlockSize = 1 << 12;
    private const int MostMembers = 8;
    private const int MostRows = 1 << 16;

    /// <summary>The message of an order.</summary>
    public static Wire.WorkerOrder ToWire(WorkerOrder order) => new()
    {
        Id = order.Id,
        Replica = order.Replica,
        ModelId = order.ModelId,
        ModelDigest = order.ModelDigest,
        ModelPath = order.ModelPath,
        Role = (Wire.WorkerRole)((int)order.Role + 1),
        FirstLayer = order.Layers.First,
        LayerCount = order.Layers.Count,
        MemoryBytes = order.MemoryBytes,
        KvBlocks = order.KvBlocks,
        KvBlockSize = order.KvBlockSize,
        KvFormat = order.KvFormat,
        ContextLength = order.ContextLength,
        Sequences = order.Sequences,
        PrefillTokens = order.PrefillTokens,
        Precision = (Wire.LinkPrecision)((int)order.Precision + 1),
        Callers = { order.Callers.Select(pin => pin.Text) },
        Heads = { order.Heads.Select(pin => pin.Text) },
        Chain = { order.Chain.Select(ToWire) },
        IsLeaving = order.IsLeaving,
        Rank = order.Rank,
        Members = order.Members,
    };

    /// <summary>Reads an order.</summary>
    /// <param name="wire">The message.</param>
    /// <param name="order">The order, where it keeps to all limits.</param>
    /// <param name="fault">Else the first thing that is wrong.</param>
    public static bool TryRead(Wire.WorkerOrder wire, [NotNullWhen(true)] out WorkerOrder? order, [NotNullWhen(false)] out string? fault)
    {
        order = null;
        fault = FaultOf(wire);
        if (fault is not null)
            return false;
        var chain = wire.Chain.Select(Read).ToList();
        var (callers, heads) = (wire.Callers.Select(Pin).ToList(), wire.Heads.Select(Pin).ToList());
        if (chain.Contains(null) || callers.Contains(null) || heads.Contains(null))
        {
            fault = "a key or an endpoint of its chain is malformed";
            return false;
        }
        order = new WorkerOrder
        {
            Id = wire.Id,
            Replica = wire.Replica,
            ModelId = wire.ModelId,
            ModelDigest = wire.ModelDigest,
            ModelPath = wire.ModelPath,
            Role = (WorkerRole)((int)wire.Role - 1),
            Layers = new LayerSpan(wire.FirstLayer, wire.LayerCount),
            MemoryBytes = wire.MemoryBytes,
            KvBlocks = wire.KvBlocks,
            KvBlockSize = wire.KvBlockSize,
            KvFormat = wire.KvFormat,
            ContextLength = wire.ContextLength,
            Sequences = wire.Sequences,
            PrefillTokens = wire.PrefillTokens,
            Precision = (LinkPrecision)((int)wire.Precision - 1),
            Callers = callers!,
            Heads = heads!,
            Chain = chain!,
            IsLeaving = wire.IsLeaving,
            Rank = wire.Rank,
            // Who says nothing of it knows of none.
            Members = Math.Max(1, wire.Members),
        };
        return true;
    }

    private static Wire.WorkerEndpoint ToWire(WorkerEndpoint endpoint) => new()
    {
        Id = endpoint.Id,
        Node = endpoint.Node,
        FirstLayer = endpoint.Layers.First,
        LayerCount = endpoint.Layers.Count,
        Pin = endpoint.Pin.Text,
        Addresses = { endpoint.Addresses },
        Rank = endpoint.Rank,
    };

    private static WorkerEndpoint? Read(Wire.WorkerEndpoint wire) =>
        WorkerId.IsValid(wire.Id) && NodeName.IsValid(wire.Node) && KeyPin.TryParse(wire.Pin, out var pin)
        && AreLayers(wire.FirstLayer, wire.LayerCount) && wire.Addresses.Count <= ControlLimits.Addresses
        && wire.Addresses.All(PeerAddress.IsValid)
        && wire.Rank is >= 0 and < MostMembers
            ? new WorkerEndpoint(wire.Id, wire.Node, new LayerSpan(wire.FirstLayer, wire.LayerCount), pin, [.. wire.Addresses]) { Rank = wire.Rank }
            : null;

    private static KeyPin? Pin(string text) => KeyPin.TryParse(text, out var pin) ? pin : null;

    private static string? FaultOf(Wire.WorkerOrder order)
    {
        if (!WorkerId.IsValid(order.Id))
            return $"its id is not {WorkerId.Length} hexadecimal digits";
        if (!ModelManifest.IsDigest(order.ModelDigest))
            return "the model's digest is not 64 hexadecimal digits";
        if (order.Replica.Length == 0 || !WireText.IsPlain(order.Replica, ControlLimits.Text) || !WireText.IsPlain(order.ModelId, ControlLimits.Text))
            return "the replica's or the model's id is empty, too long or holds control characters";
        if (!WireText.IsPlain(order.ModelPath, ControlLimits.Path) || !WireText.IsPlain(order.KvFormat, ControlLimits.ShortText))
            return "the model's path or the KV format is too long or holds control characters";
        if (order.Role is not (Wire.WorkerRole.Standby or Wire.WorkerRole.Stage or Wire.WorkerRole.Head or Wire.WorkerRole.Member))
            return $"its role {(int)order.Role} is not known";
        if (order.Role == Wire.WorkerRole.Standby ? order.LayerCount != 0 : !AreLayers(order.FirstLayer, order.LayerCount))
            return $"layers from {order.FirstLayer}, {order.LayerCount} of them, can't be";
        if (order.Members is < 0 or > MostMembers || order.Rank < 0 || order.Rank >= Math.Max(1, order.Members)
            || order.Rank > 0 != (order.Role == Wire.WorkerRole.Member))
            return $"rank {order.Rank} of {order.Members} members can't be";
        if (order.MemoryBytes < 0)
            return $"{order.MemoryBytes} bytes of memory can't be";
        if (order.KvBlocks is < 1 or > MostBlocks || order.KvBlockSize is < 1 or > MostBlockSize || order.ContextLength < 1
            || order.ContextLength > (long)order.KvBlocks * order.KvBlockSize)
            return $"{order.KvBlocks} KV blocks of {order.KvBlockSize} positions for a context of {order.ContextLength} can't be";
        if (order.Sequences is < 1 or > MostRows || order.PrefillTokens is < 1 or > MostRows)
            return $"{order.Sequences} sequences and {order.PrefillTokens} positions of prompts in a step can't be";
        if (order.Precision is not (Wire.LinkPrecision.F32 or Wire.LinkPrecision.Bf16 or Wire.LinkPrecision.Q8))
            return $"its precision {(int)order.Precision} is not known";
        return order.Callers.Count > ControlLimits.ChainWorkers || order.Heads.Count > ControlLimits.ChainWorkers || order.Chain.Count > ControlLimits.ChainWorkers
            ? $"it names more than {ControlLimits.ChainWorkers} others"
            : null;
    }

    private static bool AreLayers(int first, int count) => first is >= 0 and < MostLayers && count is >= 1 and <= MostLayers;
}
