using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Node.Stages.Serving;

/// <summary>
/// Knows who wrote each KV block last, so that a batch whose head or neighbour has mixed up its sequences fails by itself instead of giving
/// somebody another one's context. A block is taken over by writing its first slot; later slots are written by the owner, without a gap.
/// </summary>
/// <remarks>One thread at a time.</remarks>
internal sealed class BlockOwners(StageShape shape)
{
    readonly long[] _owner = new long[shape.BlockCount];
    readonly int[] _filled = new int[shape.BlockCount];
    readonly long[] _takenIn = new long[shape.BlockCount];
    long _batch;

    /// <summary>Notes what a batch writes.</summary>
    /// <returns>What is wrong with it, or null. After a fault the blocks of the batch are undefined, as after any failed batch.</returns>
    public string? Write(Batch batch)
    {
        _batch++;
        for (var i = 0; i < batch.Slices.Count; i++)
        {
            var slice = batch.Slices[i];
            if (Write(slice) is { } fault)
                return fault;
        }
        return null;
    }

    string? Write(in BatchSlice slice)
    {
        var table = slice.BlockTable.Span;
        for (var position = slice.FirstPosition; position < slice.FirstPosition + slice.RowCount;)
        {
            var (index, slot) = Math.DivRem(position, shape.BlockSize);
            var block = table[index];
            var end = Math.Min(shape.BlockSize, slot + slice.FirstPosition + slice.RowCount - position);
            if (slot == 0)
            {
                if (_takenIn[block] == _batch)
                    return $"KV block {block} is written by two sequences of one batch";
                (_owner[block], _filled[block], _takenIn[block]) = (slice.SequenceId, 0, _batch);
            }
            else if (_owner[block] != slice.SequenceId)
            {
                return $"KV block {block} belongs to another sequence";
            }
            else if (slot > _filled[block])
            {
                return $"slot {slot} of KV block {block} is written where {_filled[block]} is next";
            }
            _filled[block] = Math.Max(_filled[block], end);
            position += end - slot;
        }
        return null;
    }
}
