using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Kernels;

/// <summary>Looks rows up in a stored table.</summary>
public static class Embedding
{
    /// <summary>Writes row ids[i] of the table to row i of the output.</summary>
    /// <param name="table">Shape: (vocabulary, width).</param>
    /// <param name="ids">Rows of the table.</param>
    /// <param name="y">Shape: (ids.Length, width), row-major.</param>
    /// <exception cref="ArgumentOutOfRangeException">An id is no row of the table.</exception>
    /// <exception cref="ArgumentException">The output is too short.</exception>
    public static void Lookup(in WeightMatrix table, ReadOnlySpan<int> ids, Span<float> y)
    {
        if (y.Length < (long)ids.Length * table.Columns)
            throw new ArgumentException($"{ids.Length} rows of {table.Columns} values need more than {y.Length} floats", nameof(y));
        for (var i = 0; i < ids.Length; i++)
            Dequantizer.Row(table.Type, table.Row(ids[i]), y.Slice(i * table.Columns, table.Columns));
    }
}
