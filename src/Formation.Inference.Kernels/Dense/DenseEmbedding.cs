using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Dense;

/// <summary>Copies rows between matrices: token embedding, the choice of rows that have a loss, and the gradients of both.</summary>
public static class DenseEmbedding
{
    private const int BlockColumns = 32;

    /// <summary>target[i] = source[indices[i]].</summary>
    public static void Gather(DenseMatrix source, ReadOnlySpan<int> indices, DenseMatrix target)
    {
        for (var i = 0; i < indices.Length; i++)
            source.Row(indices[i]).CopyTo(target.Row(i));
    }

    /// <summary>target[indices[i]] += source[i], in the order of i.</summary>
    public static void ScatterAdd(WorkerTeam team, DenseMatrix source, ReadOnlyMemory<int> indices, DenseMatrix target)
    {
        var width = source.Columns;
        DenseJob.Run(
            team, (width + BlockColumns - 1) / BlockColumns,
            (block, _) =>
            {
                var start = block * BlockColumns;
                var count = Math.Min(BlockColumns, width - start);
                var rows = indices.Span;
                for (var i = 0; i < rows.Length; i++)
                {
                    var from = source.Row(i).Slice(start, count);
                    var to = target.Row(rows[i]).Slice(start, count);
                    for (var column = 0; column < count; column++)
                        to[column] += from[column];
                }
            });
    }
}
