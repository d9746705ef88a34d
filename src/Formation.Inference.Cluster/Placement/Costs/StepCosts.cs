namespace Formation.Inference.Cluster.Placement.Costs;

/// <summary>
/// The seconds that steps of one kind take on places and links. A stage first reads its weights and then multiplies: a kernel unpacks a strip and
/// multiplies it out of the cache, one after the other on each core, so the two add up (docs/adr/0016-placement.md).
/// </summary>
internal sealed class StepCosts
{
    private readonly ModelShape _model;
    private readonly ModelSums _sums;
    private readonly CostAssumptions _assumptions;
    private readonly LinkTable _links;
    private readonly double _rows;
    private readonly double _positions;
    private readonly double _kvReads;
    private readonly double _rowBytes;
    private readonly Dictionary<Place, double[]> _layers = new(ReferenceEqualityComparer.Instance);

    /// <param name="rows">Rows of the step.</param>
    /// <param name="positions">Positions that each row sees.</param>
    /// <param name="kvReads">How often these positions' keys and values are read: once for each sequence.</param>
    public StepCosts(
        ModelShape model, ModelSums sums, LinkTable links, PlacementRequest request, CostAssumptions assumptions, double rows, double positions, double kvReads)
    {
        (_model, _sums, _links, _assumptions) = (model, sums, links, assumptions);
        (_rows, _positions, _kvReads) = (rows, positions, kvReads);
        _rowBytes = request.LinkPrecision.RowBytes(model.HiddenSize);
    }

    /// <summary>Seconds of the first layers on a place. Index: number of layers.</summary>
    public double[] Layers(Place place)
    {
        if (_layers.TryGetValue(place, out var seconds))
            return seconds;
        seconds = new double[_sums.Layers + 1];
        // Two sums over the hidden states a layer: two nodes send both at once, more of them to the leader and back.
        var exchange = place.Nodes.Count == 1
            ? 0
            : 2 * ((place.Nodes.Count == 2 ? 1 : 2) * place.ExchangeSeconds
                + ((place.Nodes.Count - 1) * _rows * sizeof(float) * _model.HiddenSize / place.ExchangeBytesPerSecond));
        for (var i = 1; i < seconds.Length; i++)
        {
            seconds[i] = ((_sums.Weights[i] + (_kvReads * _positions * _sums.KvPerPosition[i])) / place.ReadBytesPerSecond)
                + (_rows * (_sums.MultiplyAdds[i] + (_positions * _sums.Attention[i])) / place.MultiplyAddsPerSecond)
                + (i * (_assumptions.SecondsPerLayer + exchange));
        }
        return _layers[place] = seconds;
    }

    /// <summary>Seconds of a stage beside its layers.</summary>
    /// <param name="outputRows">Rows whose logits are computed.</param>
    public double Fixed(Place place, int position, double outputRows)
    {
        var seconds = _assumptions.SecondsPerStage;
        if (position == 0 && outputRows > 0)
            // Of those that share the layers, one computes the output.
            seconds += place.Nodes.Count
                * ((_model.OutputReadBytes / place.ReadBytesPerSecond) + (outputRows * _model.OutputMultiplyAdds / place.MultiplyAddsPerSecond));
        return seconds;
    }

    /// <summary>Seconds from one place's end of a step to the next one's beginning.</summary>
    public double Hop(Place from, Place to)
    {
        var link = _links.Between(from.Nodes[0], to.Nodes[0]);
        return (link.RoundTripSeconds / 2) + (_rows * _rowBytes / link.BytesPerSecond);
    }

    /// <summary>Seconds for which a hop keeps the link busy.</summary>
    public double Transfer(Place from, Place to) => _rows * _rowBytes / _links.Between(from.Nodes[0], to.Nodes[0]).BytesPerSecond;
}
