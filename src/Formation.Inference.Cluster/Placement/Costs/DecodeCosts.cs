using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Placement.Costs;

/// <summary>What steps of generation that were done should have taken: the model of cost, which is linear in what a stage counts.</summary>
internal static class DecodeCosts
{
    /// <summary>Seconds of a stage's steps on a node by the figures that it reports.</summary>
    public static double Seconds(ModelShape model, LayerSpan layers, NodeReport report, DecodeWork work, CostAssumptions assumptions)
    {
        var device = OfferRules.DeviceOf(report);
        var (read, multiplied) = (0.0, 0.0);
        for (var i = layers.First; i < Math.Min(layers.End, model.Layers.Count); i++)
        {
            var layer = model.Layers[i];
            read += (work.Steps * (double)layer.WeightBytes) + (work.Positions * (double)layer.KvBytesPerPosition);
            multiplied += (work.Rows * (double)layer.MultiplyAdds) + (work.Positions * (double)layer.AttentionMultiplyAdds);
        }
        return (read / device.ReadBytesPerSecond) + (multiplied / device.MultiplyAddsPerSecond)
            + (work.Steps * layers.Count * assumptions.SecondsPerLayer);
    }
}
