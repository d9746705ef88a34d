using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Stages.Serving;

/// <summary>
/// What was sent into a boundary, as it was sent: one row for each slot of each KV block, from which a replacement behind the boundary is
/// rebuilt. The rows of a block are allocated when the first of them is sent.
/// </summary>
/// <remarks>One thread at a time.</remarks>
/// <param name="shape">The blocks.</param>
/// <param name="precision">The link's.</param>
internal sealed class BoundaryStore(StageShape shape, ActivationPrecision precision)
{
    readonly int _rowBytes = RowCodec.RowBytes(precision, shape.HiddenSize);
    readonly byte[]?[] _blocks = new byte[]?[shape.BlockCount];
    readonly ulong[]?[] _written = new ulong[]?[shape.BlockCount];

    public ActivationPrecision Precision => precision;

    /// <summary>Bytes allocated so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>Keeps the rows of a batch.</summary>
    /// <param name="rows">All rows of the batch in the link's precision.</param>
    public void Write(IReadOnlyList<BatchSlice> slices, ReadOnlySpan<byte> rows)
    {
        for (var i = 0; i < slices.Count; i++)
        {
            var slice = slices[i];
            var table = slice.BlockTable.Span;
            for (var row = 0; row < slice.RowCount; row++)
            {
                var (index, slot) = Math.DivRem(slice.FirstPosition + row, shape.BlockSize);
                var source = rows.Slice((slice.FirstRow + row) * _rowBytes, _rowBytes);
                source.CopyTo(Row(table[index], slot));
            }
        }
    }

    /// <summary>Copies the row of a position to where it is sent from.</summary>
    /// <returns>False where none was ever written there.</returns>
    public bool TryRead(ReadOnlySpan<int> table, int position, Span<byte> destination)
    {
        var (index, slot) = Math.DivRem(position, shape.BlockSize);
        var block = table[index];
        if (_written[block] is not { } written || (written[slot / 64] & (1UL << (slot % 64))) == 0)
            return false;
        _blocks[block].AsSpan(slot * _rowBytes, _rowBytes).CopyTo(destination);
        return true;
    }

    Span<byte> Row(int block, int slot)
    {
        if (_blocks[block] is not { } rows)
        {
            rows = _blocks[block] = GC.AllocateUninitializedArray<byte>(checked(shape.BlockSize * _rowBytes));
            _written[block] = new ulong[(shape.BlockSize + 63) / 64];
            Bytes += rows.Length;
        }
        _written[block]![slot / 64] |= 1UL << (slot % 64);
        return rows.AsSpan(slot * _rowBytes, _rowBytes);
    }
}
