using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Attention;

/// <summary>The definition of attention's order, one query and one value at a time: every vector width gives the same bits.</summary>
internal static unsafe class ScalarAttention
{
    private const int Tile = KvLayout.TilePositions;

    public static void Run(in AttentionCall call, in AttentionPart part, int kvHead, in AttentionScratch scratch)
    {
        for (var query = 0; query < part.QueryCount; query++)
            new Query(call, part, kvHead, query, scratch).Run();
    }

    private readonly struct Query(AttentionCall call, AttentionPart part, int kvHead, int index, AttentionScratch scratch)
    {
        // One query at a time: the first row of the scratch memory is its own.
        private readonly float* _query = scratch.Queries;
        private readonly float* _sums = scratch.Sums;
        private readonly float* _totals = scratch.Totals;
        private readonly float* _weights = scratch.Weights;
        private readonly float* _lanes = scratch.Lanes;
        private readonly float* _blockLanes = scratch.Lanes + Sixteen.Lanes;
        private readonly AttentionSlice _slice = call.Plan.Slices[part.Slice];

        private int Size => call.Layout.HeadSize;

        public void Run()
        {
            Prepare();
            var (maximum, weight) = (Softmax.NoMaximum, 0f);
            for (var chunk = part.FirstChunk; chunk < part.EndChunk; chunk++)
            {
                var chunkMaximum = RunChunk(chunk);
                var chunkWeight = Sixteen.Sum(_lanes);
                if (part.Fold >= 0)
                {
                    var record = call.Record(part.Fold, kvHead, chunk, index);
                    new ReadOnlySpan<float>(_sums, Size).CopyTo(new Span<float>(record, Size));
                    record[AttentionFold.MaximumIndex(call.Layout)] = chunkMaximum;
                    record[AttentionFold.WeightIndex(call.Layout)] = chunkWeight;
                }
                else if (chunk == part.FirstChunk)
                {
                    new ReadOnlySpan<float>(_sums, Size).CopyTo(new Span<float>(_totals, Size));
                    (maximum, weight) = (chunkMaximum, chunkWeight);
                }
                else
                {
                    Softmax.Fold(ref maximum, ref weight, _totals, chunkMaximum, chunkWeight, _sums, Size);
                }
            }
            if (part.Fold < 0)
                Softmax.Divide(_totals, weight, call.Output(_slice, kvHead, part.FirstQuery + index), Size);
        }

        private float RunChunk(int chunk)
        {
            var view = call.View(_slice);
            var first = Math.Max(view.First(part.FirstQuery + index), chunk * AttentionOrder.ChunkPositions);
            var end = (int)Math.Min(view.End(part.FirstQuery + index), (chunk + 1L) * AttentionOrder.ChunkPositions);
            var maximum = Softmax.NoMaximum;
            new Span<float>(_sums, Size).Clear();
            new Span<float>(_lanes, Sixteen.Lanes).Clear();
            for (var from = first; from < end;)
            {
                var to = Math.Min((from / AttentionOrder.BlockPositions + 1) * AttentionOrder.BlockPositions, end);
                RunBlock(from, to, ref maximum);
                from = to;
            }
            return maximum;
        }

        private void RunBlock(int first, int end, ref float maximum)
        {
            var largest = Softmax.NoMaximum;
            for (var position = first; position < end; position++)
            {
                _weights[position - first] = Score(position);
                largest = MathF.Max(largest, _weights[position - first]);
            }
            var (rescale, share) = Softmax.Grow(ref maximum, largest);

            new Span<float>(_blockLanes, Sixteen.Lanes).Clear();
            for (var position = first; position < end; position++)
            {
                _weights[position - first] = Exponential.Exp2(_weights[position - first] - largest);
                _blockLanes[position % Tile] += _weights[position - first];
            }
            for (var lane = 0; lane < Sixteen.Lanes; lane++)
                _lanes[lane] = float.MultiplyAddEstimate(_blockLanes[lane], share, _lanes[lane] * rescale);

            for (var d = 0; d < Size; d++)
            {
                var (sum, factor) = call.Layout.Format == KvFormat.Q8_0 ? IntegerSum(first, end, d) : (FloatSum(first, end, d), 1);
                _sums[d] = float.MultiplyAddEstimate(sum, factor * share, _sums[d] * rescale);
            }
        }

        private float FloatSum(int first, int end, int dimension)
        {
            var sum = 0f;
            for (var position = first; position < end; position++)
            {
                var lane = position % Tile;
                var value = KvCodec.Read(call.Layout, Half(position, isKey: false), call.Layout.ValueIndex(lane, dimension), dimension, lane);
                sum = float.MultiplyAddEstimate(_weights[position - first], value, sum);
            }
            return sum;
        }

        private (float Sum, float Step) IntegerSum(int first, int end, int dimension)
        {
            var largest = 0f;
            for (var position = first; position < end; position++)
                largest = MathF.Max(largest, KvCodec.Scale(call.Layout, Half(position, isKey: false), dimension, position % Tile));
            var (step, inverse) = IntegerSteps.Of(largest);
            var sum = 0;
            for (var position = first; position < end; position++)
            {
                var lane = position % Tile;
                var values = Half(position, isKey: false);
                var scale = KvCodec.Scale(call.Layout, values, dimension, lane);
                var weight = (int)MathF.Round(_weights[position - first] * (scale * inverse));
                sum += weight * ((sbyte*)values)[call.Layout.ValueIndex(lane, dimension)];
            }
            return (sum, step);
        }

        private void Prepare()
        {
            var source = call.Query(_slice, kvHead, part.FirstQuery + index);
            for (var d = 0; d < Size; d++)
                _query[d] = source[d] * call.Factor;
            if (call.Layout.Format != KvFormat.Q8_0)
                return;
            var largest = 0f;
            for (var d = 0; d < Size; d++)
                largest = MathF.Max(largest, MathF.Abs(_query[d]));
            var (step, inverse) = IntegerSteps.Of(largest);
            scratch.QuerySteps[0] = step;
            for (var d = 0; d < Size; d++)
                _query[d] = MathF.Round(Math.Clamp(_query[d] * inverse, -IntegerSteps.Largest, IntegerSteps.Largest));
        }

        private float Score(int position)
        {
            var keys = Half(position, isKey: true);
            return call.Layout.Format == KvFormat.Q8_0 ? IntegerScore(keys, position % Tile) : FloatScore(keys, position % Tile);
        }

        private float FloatScore(byte* keys, int lane)
        {
            var score = 0f;
            for (var d = 0; d < Size; d++)
                score = float.MultiplyAddEstimate(_query[d], KvCodec.Read(call.Layout, keys, call.Layout.KeyIndex(d, lane), d, lane), score);
            return score;
        }

        private float IntegerScore(byte* keys, int lane)
        {
            var score = 0f;
            for (var first = 0; first < Size; first += KvLayout.ScaledValues)
            {
                var sum = 0;
                for (var d = first; d < first + KvLayout.ScaledValues; d++)
                    sum += (int)_query[d] * ((sbyte*)keys)[call.Layout.KeyIndex(d, lane)];
                score = float.MultiplyAddEstimate(sum, KvCodec.Scale(call.Layout, keys, first, lane) * scratch.QuerySteps[0], score);
            }
            return score;
        }

        private byte* Half(int position, bool isKey)
        {
            var (tile, tilesPerBlock) = (position / Tile, call.Layout.TilesPerBlock);
            var block = _slice.BlockTable.Span[tile / tilesPerBlock];
            return isKey
                ? call.Memory.Keys(call.Layer, block, kvHead, tile % tilesPerBlock)
                : call.Memory.Values(call.Layer, block, kvHead, tile % tilesPerBlock);
        }
    }
}
