namespace Formation.Inference.Cluster.Placement.Costs;

/// <summary>The exact bytes of a stage on each node of its place.</summary>
internal sealed class MemoryCosts
{
    private readonly ModelShape _model;
    private readonly ModelSums _sums;
    private readonly long _positions;
    private readonly long _rows;
    private readonly long _rowBytes;

    /// <param name="sequences">Sequences of one replica at once.</param>
    public MemoryCosts(ModelShape model, ModelSums sums, PlacementRequest request, int sequences)
    {
        (_model, _sums) = (model, sums);
        var blocks = ((long)request.ContextLength + model.KvBlockSize - 1) / model.KvBlockSize * sequences;
        KvBlocks = checked((int)blocks);
        _positions = blocks * model.KvBlockSize;
        _rows = (long)sequences + request.MaxPrefillTokens;
        _rowBytes = request.LinkPrecision.RowBytes(model.HiddenSize);
        Variable = new long[sums.Layers + 1];
        for (var i = 0; i < Variable.Length; i++)
            Variable[i] = sums.Weights[i] + (_positions * sums.KvPerPosition[i]);
    }

    /// <summary>KV blocks that every stage holds.</summary>
    public int KvBlocks { get; }

    /// <summary>Weights, keys and values of the first layers.</summary>
    public long[] Variable { get; }

    /// <summary>What a stage takes whatever its layers.</summary>
    /// <param name="position">Its place in the chain; 0 is the head.</param>
    /// <param name="stages">Stages of the chain.</param>
    public long Fixed(int position, int stages)
    {
        var (weights, boundary, scratch) = FixedParts(position, stages, 1);
        return weights + boundary + scratch;
    }

    /// <summary>The most that layers may take on a place, so that the stage fits; negative where not even the rest does, or it may not stand there.</summary>
    public long Room(Place place, int position, int stages)
    {
        if (position == 0 ? !place.MayLead : !place.MayFollow)
            return -1;
        var parts = place.Nodes.Count;
        var (weights, boundary, scratch) = FixedParts(position, stages, parts);
        var left = place.FreeBytes - boundary - scratch - weights;
        // Shares are rounded up, of weights as of keys and values, and each member has all norms.
        return parts == 1 ? left : (left - 2 - (_sums.Layers * _model.GroupBytesPerLayer)) * parts - parts;
    }

    /// <summary>The bytes of a stage by kind.</summary>
    public StageMemory Of(Place place, int position, int stages, LayerSpan layers)
    {
        var parts = place.Nodes.Count;
        var (weights, boundary, scratch) = FixedParts(position, stages, parts);
        return new StageMemory(
            weights + Share(_sums.Weights[layers.End] - _sums.Weights[layers.First], parts) + (parts == 1 ? 0 : layers.Count * _model.GroupBytesPerLayer),
            Share(_positions * (_sums.KvPerPosition[layers.End] - _sums.KvPerPosition[layers.First]), parts),
            boundary,
            scratch);
    }

    private (long Weights, long Boundary, long Scratch) FixedParts(int position, int stages, int parts)
    {
        var isHead = position == 0;
        var weights = isHead ? _model.EmbeddingBytes + _model.OutputBytes : 0;
        // The last stage answers the head, which needs nothing of it again.
        var boundary = position < stages - 1 ? _positions * _rowBytes : 0;
        // The leader of a group keeps what came in, from which all of it is rebuilt.
        if (parts > 1)
            boundary += _positions * sizeof(float) * _model.HiddenSize;
        var scratch = _rows * _model.ScratchBytesPerRow;
        if (isHead)
            scratch += (_rows * _model.HeadScratchBytesPerRow) + _model.HeadScratchBytes;
        // As many batches as stages are under way; each has activations of its own.
        if (stages > 1)
            scratch += stages * _rows * sizeof(float) * _model.HiddenSize;
        // Partial sums, and the batches on their way to each follower.
        if (parts > 1)
            scratch += ((2 * parts) + 1) * _rows * sizeof(float) * _model.HiddenSize;
        return (weights, boundary, scratch);
    }

    private static long Share(long bytes, int parts) => (bytes + parts - 1) / parts;
}
