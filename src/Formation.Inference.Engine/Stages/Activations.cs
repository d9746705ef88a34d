namespace Formation.Inference.Engine.Stages;

/// <summary>The hidden states of a batch's rows. Shape: (<see cref="Rows"/>, <see cref="Width"/>), float32, row-major.</summary>
public sealed class Activations(int maxRows, int width)
{
    private readonly float[] _values = GC.AllocateUninitializedArray<float>(checked(maxRows * width), pinned: true);

    /// <summary>Rows that fit.</summary>
    public int MaxRows { get; } = maxRows;

    public int Width { get; } = width;

    /// <summary>Rows in use.</summary>
    public int Rows { get; private set; }

    /// <summary>Sets the number of rows in use; their content is undefined until written.</summary>
    public void SetRows(int rows)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, MaxRows);
        Rows = rows;
    }

    /// <summary>All rows in use.</summary>
    public Span<float> Values => _values.AsSpan(0, Rows * Width);

    /// <summary>One row.</summary>
    public Span<float> Row(int row) => Values.Slice(row * Width, Width);
}
