using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Attention;

/// <summary>
/// The attention of a part's queries in the manner of FlashAttention (Dao et al. 2022): block after block of keys and values, each read once
/// for all queries, which go through it in groups that fill the registers.
/// </summary>
/// <typeparam name="TFloats">The vector width of the softmax.</typeparam>
/// <typeparam name="TKeys">The products of queries and keys.</typeparam>
/// <typeparam name="TValues">The products of weights and values.</typeparam>
internal readonly unsafe struct TiledAttention<TFloats, TKeys, TValues>
    where TFloats : struct, IFloats<TFloats>
    where TKeys : struct, IKeyProducts
    where TValues : struct, IValueProducts
{
    private const int Tile = KvLayout.TilePositions;

    private readonly AttentionCall _call;
    private readonly AttentionPart _part;
    private readonly int _kvHead;
    private readonly AttentionScratch _scratch;
    private readonly AttentionSlice _slice;
    private readonly AttentionView _view;

    public TiledAttention(in AttentionCall call, in AttentionPart part, int kvHead, in AttentionScratch scratch)
    {
        (_call, _part, _kvHead, _scratch) = (call, part, kvHead, scratch);
        _slice = call.Plan.Slices[part.Slice];
        _view = call.View(_slice);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run()
    {
        for (var query = 0; query < _part.QueryCount; query++)
        {
            var source = _call.Query(_slice, _kvHead, _part.FirstQuery + query);
            TKeys.PrepareQuery(_call.Layout, source, _call.Factor, query, _scratch);
            _scratch.Firsts[query] = _view.First(_part.FirstQuery + query);
            _scratch.Ends[query] = _view.End(_part.FirstQuery + query);
        }
        for (var chunk = _part.FirstChunk; chunk < _part.EndChunk; chunk++)
        {
            RunChunk(chunk);
            if (_part.Fold >= 0)
                Record(chunk);
            else if (chunk == _part.FirstChunk)
                Begin();
            else
                Fold();
        }
        if (_part.Fold < 0)
            Finish();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunChunk(int chunk)
    {
        for (var query = 0; query < _part.QueryCount; query++)
        {
            _scratch.Maxima[query] = Softmax.NoMaximum;
            new Span<float>(_scratch.Lanes + query * Sixteen.Lanes, Sixteen.Lanes).Clear();
            new Span<float>(Sums(query), _call.Layout.PaddedHeadSize).Clear();
        }
        var first = Math.Max(_scratch.Firsts[0], chunk * AttentionOrder.ChunkPositions);
        var end = (int)Math.Min(_scratch.Ends[_part.QueryCount - 1], (chunk + 1L) * AttentionOrder.ChunkPositions);
        for (var block = first / AttentionOrder.BlockPositions; block * AttentionOrder.BlockPositions < end; block++)
            RunBlock(block * AttentionOrder.BlockPositions, first, end);
    }

    /// <param name="origin">The block's first position.</param>
    /// <param name="first">The first position that a query sees in the chunk.</param>
    /// <param name="end">The position after the last one.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunBlock(int origin, int first, int end)
    {
        var layout = _call.Layout;
        var firstTile = Math.Max(first - origin, 0) / Tile;
        var endTile = (Math.Min(end - origin, AttentionOrder.BlockPositions) + Tile - 1) / Tile;
        for (var tile = 0; tile < AttentionOrder.BlockTiles; tile++)
        {
            var keys = origin / Tile + tile < (end + Tile - 1) / Tile ? Keys(origin / Tile + tile) : null;
            _scratch.KeyTiles[tile] = keys;
            _scratch.ValueTiles[tile] = keys + layout.TileHalfBytes;
            _scratch.NextKeyTiles[tile] =
                origin / Tile + AttentionOrder.BlockTiles + tile < (end + Tile - 1) / Tile
                    ? Keys(origin / Tile + AttentionOrder.BlockTiles + tile) : keys;
        }
        var block = new AttentionBlock(
            _scratch, origin, firstTile, endTile, _part.QueryCount, RowGroups.Size(_part.QueryCount, TKeys.MaxRows));
        TKeys.PrepareTiles(layout, block);
        TValues.PrepareTiles(layout, block);
        TKeys.Scores(layout, block);
        Weigh(block);
        TValues.Accumulate(layout, block);
    }

    /// <summary>Turns the block's scores into weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Weigh(in AttentionBlock block)
    {
        for (var firstQuery = 0; firstQuery < block.Queries; firstQuery += block.GroupSize)
        {
            var range = block.Range(firstQuery);
            if (range.First >= range.End)
                continue;
            var (firstTile, endTile) = AttentionBlock.Tiles(range);
            for (var query = firstQuery; query < firstQuery + block.RowsFrom(firstQuery); query++)
            {
                (_scratch.Rescales[query], _scratch.Shares[query]) = Softmax.Weigh<TFloats, TValues>(
                    _scratch.Weights + query * AttentionScratch.WeightStride, firstTile, endTile, block.First(query), block.End(query),
                    ref _scratch.Maxima[query], _scratch.Lanes + query * Sixteen.Lanes);
            }
        }
    }

    private byte* Keys(int tile)
    {
        var tilesPerBlock = _call.Layout.TilesPerBlock;
        var block = _slice.BlockTable.Span[tile / tilesPerBlock];
        return _call.Memory.Keys(_call.Layer, block, _kvHead, tile % tilesPerBlock);
    }

    private void Record(int chunk)
    {
        for (var query = 0; query < _part.QueryCount; query++)
        {
            var record = _call.Record(_part.Fold, _kvHead, chunk, query);
            Copy(Sums(query), record, _call.Layout.HeadSize);
            record[AttentionFold.MaximumIndex(_call.Layout)] = _scratch.Maxima[query];
            record[AttentionFold.WeightIndex(_call.Layout)] = Weight(query);
        }
    }

    private void Begin()
    {
        for (var query = 0; query < _part.QueryCount; query++)
        {
            Copy(Sums(query), Totals(query), _call.Layout.HeadSize);
            _scratch.TotalMaxima[query] = _scratch.Maxima[query];
            _scratch.TotalWeights[query] = Weight(query);
        }
    }

    private void Fold()
    {
        for (var query = 0; query < _part.QueryCount; query++)
        {
            Softmax.Fold<TFloats>(
                ref _scratch.TotalMaxima[query], ref _scratch.TotalWeights[query], Totals(query),
                _scratch.Maxima[query], Weight(query), Sums(query), _call.Layout.HeadSize);
        }
    }

    private void Finish()
    {
        for (var query = 0; query < _part.QueryCount; query++)
        {
            var output = _call.Output(_slice, _kvHead, _part.FirstQuery + query);
            Softmax.Divide<TFloats>(Totals(query), _scratch.TotalWeights[query], output, _call.Layout.HeadSize);
        }
    }

    private float* Sums(int query) => _scratch.Sums + query * AttentionScratch.Stride;

    private float* Totals(int query) => _scratch.Totals + query * AttentionScratch.Stride;

    private float Weight(int query) => Sixteen.Sum<TFloats>(_scratch.Lanes + query * Sixteen.Lanes);

    private static void Copy(float* source, float* destination, int count) =>
        new ReadOnlySpan<float>(source, count).CopyTo(new Span<float>(destination, count));
}
