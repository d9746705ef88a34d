using Formation.Inference.Cluster.Placement;

namespace Formation.Inference.Cluster.Tests.Placement;

/// <summary>
/// Tries every order of every choice of nodes and every division of the layers, with the model of cost written out anew from its description
/// (docs/adr/0016-placement.md): what the planner's search is held against.
/// </summary>
sealed class EveryPlacement(ModelShape model, PlacementRequest request, IReadOnlyList<NodeOffer> nodes)
{
    private readonly CostAssumptions _assumptions = new();

    /// <summary>The best rate of each number of stages that fits.</summary>
    public Dictionary<int, double> BestRates()
    {
        var best = new Dictionary<int, double>();
        foreach (var order in Orders([]))
        {
            foreach (var ends in Divisions(order.Count, 0))
            {
                if (RateOf(order, ends) is { } rate)
                    best[order.Count] = Math.Max(rate, best.GetValueOrDefault(order.Count));
            }
        }
        return best;
    }

    private IEnumerable<List<NodeOffer>> Orders(List<NodeOffer> chosen)
    {
        foreach (var node in nodes.Except(chosen))
        {
            List<NodeOffer> longer = [.. chosen, node];
            yield return longer;
            foreach (var order in Orders(longer))
                yield return order;
        }
    }

    private IEnumerable<List<int>> Divisions(int stages, int from)
    {
        if (stages == 1)
        {
            if (from < model.Layers.Count)
                yield return [model.Layers.Count];
            yield break;
        }
        for (var end = from + 1; end < model.Layers.Count; end++)
        {
            foreach (var rest in Divisions(stages - 1, end))
                yield return [end, .. rest];
        }
    }

    private double? RateOf(List<NodeOffer> order, List<int> ends)
    {
        var sequences = request.Goal == PlacementGoal.OneStream ? 1 : request.Concurrency;
        var batches = Math.Min(sequences, order.Count);
        var rows = (sequences + batches - 1) / batches;
        var seen = Math.Min(request.PromptLength, request.ContextLength);
        var rowBytes = RowBytes();
        var blocks = ((request.ContextLength + model.KvBlockSize - 1) / model.KvBlockSize) * (long)request.Concurrency;
        var positions = blocks * model.KvBlockSize;
        var batchRows = request.Concurrency + request.MaxPrefillTokens;
        double way = 0, busiest = 0;
        for (var i = 0; i < order.Count; i++)
        {
            var layers = model.Layers.Skip(i == 0 ? 0 : ends[i - 1]).Take(ends[i] - (i == 0 ? 0 : ends[i - 1])).ToArray();
            var bytes = layers.Sum(layer => layer.WeightBytes + (positions * layer.KvBytesPerPosition)) + (batchRows * model.ScratchBytesPerRow);
            if (i == 0)
                bytes += model.EmbeddingBytes + model.OutputBytes + (batchRows * model.HeadScratchBytesPerRow) + model.HeadScratchBytes;
            if (i < order.Count - 1)
                bytes += positions * rowBytes;
            if (order.Count > 1)
                bytes += order.Count * batchRows * 4L * model.HiddenSize;
            if (bytes > order[i].Report.FreeMemoryBytes)
                return null;

            var device = order[i].Report.Devices[0];
            var seconds = layers.Sum(layer =>
                ((layer.WeightBytes + ((double)rows * seen * layer.KvBytesPerPosition)) / device.ReadBytesPerSecond)
                + (rows * (layer.MultiplyAdds + ((double)seen * layer.AttentionMultiplyAdds)) / device.MultiplyAddsPerSecond)
                + _assumptions.SecondsPerLayer) + _assumptions.SecondsPerStage;
            if (i == 0)
                seconds += (model.OutputReadBytes / device.ReadBytesPerSecond) + (rows * (double)model.OutputMultiplyAdds / device.MultiplyAddsPerSecond);
            way += seconds;
            busiest = Math.Max(busiest, seconds);
            if (order.Count == 1)
                continue;
            var (roundTrip, bandwidth) = Link(order[i], order[(i + 1) % order.Count]);
            var transfer = rows * rowBytes / bandwidth;
            way += (roundTrip / 2) + transfer;
            busiest = Math.Max(busiest, transfer);
        }
        return sequences / Math.Max(way, batches * busiest);
    }

    private long RowBytes() => request.LinkPrecision switch
    {
        LinkPrecision.F32 => 4L * model.HiddenSize,
        LinkPrecision.BF16 => 2L * model.HiddenSize,
        _ => model.HiddenSize / 32 * 36L,
    };

    private (double RoundTrip, double BytesPerSecond) Link(NodeOffer from, NodeOffer to)
    {
        var claims = from.Report.Links.Where(link => link.Peer == to.Report.Name)
            .Concat(to.Report.Links.Where(link => link.Peer == from.Report.Name)).ToArray();
        if (claims.Length > 0)
            return (claims.Max(link => link.RoundTrip.TotalSeconds), claims.Min(link => link.BytesPerSecond));
        return from.Report.Region == to.Report.Region ? _assumptions.LinkInRegion : _assumptions.LinkBetweenRegions;
    }
}
