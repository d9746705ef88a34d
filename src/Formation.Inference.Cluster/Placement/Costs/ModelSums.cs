namespace Formation.Inference.Cluster.Placement.Costs;

/// <summary>Sums over a model's first layers, so that any range costs two look-ups. Index: number of layers.</summary>
internal sealed class ModelSums
{
    public ModelSums(ModelShape model)
    {
        var count = model.Layers.Count;
        (Weights, KvPerPosition) = (new long[count + 1], new long[count + 1]);
        (MultiplyAdds, Attention) = (new double[count + 1], new double[count + 1]);
        for (var i = 0; i < count; i++)
        {
            var layer = model.Layers[i];
            Weights[i + 1] = Weights[i] + layer.WeightBytes;
            KvPerPosition[i + 1] = KvPerPosition[i] + layer.KvBytesPerPosition;
            MultiplyAdds[i + 1] = MultiplyAdds[i] + layer.MultiplyAdds;
            Attention[i + 1] = Attention[i] + layer.AttentionMultiplyAdds;
        }
    }

    public int Layers => Weights.Length - 1;

    public long[] Weights { get; }

    public long[] KvPerPosition { get; }

    public double[] MultiplyAdds { get; }

    /// <summary>Multiply-adds of attention for each position seen.</summary>
    public double[] Attention { get; }
}
