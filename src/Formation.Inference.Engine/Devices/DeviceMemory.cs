using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Engine.Devices;

/// <summary>
/// The weight of a linear layer (or an embedding table) in a device's layout. Shape: (<see cref="Rows"/>, <see cref="Columns"/>).
/// </summary>
public abstract class DeviceWeight(int rows, int columns) : IDisposable
{
    /// <summary>Outputs.</summary>
    public int Rows { get; } = rows;

    /// <summary>Inputs.</summary>
    public int Columns { get; } = columns;

    /// <summary>Whether the weight in the file's layout goes on being read.</summary>
    public abstract bool ReadsSource { get; }

    public abstract void Dispose();
}

/// <summary>A vector of float32 parameters on a device.</summary>
public abstract class DeviceVector(int length) : IDisposable
{
    public int Length { get; } = length;

    public abstract void Dispose();
}

/// <summary>Float32 values on a device, row-major. Shape: (<see cref="Rows"/>, <see cref="Columns"/>).</summary>
public abstract class DeviceMatrix(int maxRows, int columns) : IDisposable
{
    /// <summary>Rows that fit.</summary>
    public int MaxRows { get; } = maxRows;

    public int Columns { get; } = columns;

    /// <summary>Rows in use.</summary>
    public int Rows { get; private set; }

    /// <summary>Sets the number of rows in use; their content is undefined until written.</summary>
    public void SetRows(int rows)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, MaxRows);
        Rows = rows;
    }

    public abstract void Dispose();
}

/// <summary>Keys and values of a stage's layers on a device.</summary>
public abstract class DeviceKvCache(KvCacheShape shape) : IDisposable
{
    public KvCacheShape Shape { get; } = shape;

    public abstract void Dispose();
}

/// <summary>What a device needs to know of a batch: the position, the KV place and the kind of every row.</summary>
public abstract class DeviceBatch : IDisposable
{
    /// <summary>Takes over a batch; it is used until the next one is set.</summary>
    /// <exception cref="ArgumentException">Its rows, positions or blocks do not fit together or the cache.</exception>
    public abstract void Set(Batch batch);

    public abstract void Dispose();
}
