using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Stages.Chain;

/// <summary>Finds mistakes of the caller before anything is sent: a stage would take them for a fault of the peer.</summary>
internal static class BatchCheck
{
    /// <exception cref="ArgumentException">Rows, positions, blocks or activations do not fit together or the shape.</exception>
    public static void Require(StageShape shape, Batch batch, Activations activations)
    {
        if (activations.Width != shape.HiddenSize || activations.Rows != batch.RowCount)
        {
            throw new ArgumentException(
                $"a batch of {batch.RowCount} rows needs activations of that many rows and width {shape.HiddenSize}, " +
                $"not {activations.Rows} and {activations.Width}", nameof(activations));
        }
        if (batch.RowCount < 1 || batch.RowCount > shape.MaxRows)
            throw new ArgumentException($"a batch has from 1 to {shape.MaxRows} rows, not {batch.RowCount}", nameof(batch));
        var (row, references) = (0, 0L);
        for (var i = 0; i < batch.Slices.Count; i++)
        {
            Require(shape, batch.Slices[i], row);
            row += batch.Slices[i].RowCount;
            references += batch.Slices[i].BlockTable.Length;
        }
        if (references > shape.MaxBlockReferences)
        {
            throw new ArgumentException(
                $"the slices of a batch name {shape.MaxBlockReferences} KV blocks at most, not {references}", nameof(batch));
        }
        if (!RowCodec.IsFinite(activations.Values))
            throw new ArgumentException("the activations hold a value that is not finite", nameof(activations));
    }

    static void Require(StageShape shape, in BatchSlice slice, int row)
    {
        if (slice.FirstRow != row || slice.RowCount < 1)
        {
            throw new ArgumentException(
                $"a slice of {slice.RowCount} rows begins at row {slice.FirstRow}; at least one row from row {row} is expected", nameof(slice));
        }
        var end = (long)slice.FirstPosition + slice.RowCount;
        if (slice.FirstPosition < 0 || end > (long)slice.BlockTable.Length * shape.BlockSize)
        {
            throw new ArgumentException(
                $"positions {slice.FirstPosition} to {end - 1} do not fit into " +
                $"{slice.BlockTable.Length} KV blocks of {shape.BlockSize}", nameof(slice));
        }
        foreach (var block in slice.BlockTable.Span)
        {
            if ((uint)block >= (uint)shape.BlockCount)
                throw new ArgumentException($"there is no KV block {block}; there are {shape.BlockCount}", nameof(slice));
        }
    }
}
