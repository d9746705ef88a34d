namespace Formation.Inference.Engine.Stages;

/// <summary>
/// The work of one step as every stage sees it: which rows belong to which sequence, at which positions, and in which KV blocks. It holds
/// no
/// token and no text.
/// </summary>
/// <param name="Step">Number of the step, increasing.</param>
/// <param name="Slices">The sequences' parts, in the order of their rows; together they cover rows 0 to <see cref="RowCount"/> - 1.</param>
public sealed record Batch(long Step, IReadOnlyList<BatchSlice> Slices)
{
    public int RowCount { get; } = Slices.Sum(slice => slice.RowCount);
}

/// <summary>Consecutive positions of one sequence inside a batch.</summary>
/// <param name="SequenceId">Which sequence.</param>
/// <param name="Kind">Which kernels compute the rows.</param>
/// <param name="FirstRow">Row of the first position in the batch's activations.</param>
/// <param name="RowCount">Number of positions, at least 1.</param>
/// <param name="FirstPosition">Position in the sequence of the first row, from 0.</param>
/// <param name="BlockTable">
/// Ids of the sequence's KV blocks: position p lies in block BlockTable[p / blockSize] at slot p % blockSize. Covers at least all positions
/// up to and with this slice's last. Valid during the step only.
/// </param>
public readonly record struct BatchSlice(
    long SequenceId,
    SliceKind Kind,
    int FirstRow,
    int RowCount,
    int FirstPosition,
    ReadOnlyMemory<int> BlockTable);

/// <summary>Which kernels compute a slice. Rebuilt sequences use the same kernels for the same position as the first time.</summary>
public enum SliceKind
{
    /// <summary>Positions of the prompt.</summary>
    Prefill,

    /// <summary>Generated positions: one in the normal case, several where a draft is verified or a lost sequence is rebuilt.</summary>
    Decode,
}
