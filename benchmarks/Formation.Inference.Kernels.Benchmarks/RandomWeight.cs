using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Memory;

namespace Formation.Inference.Kernels.Benchmarks;

/// <summary>A weight with random values, the same in every run.</summary>
internal sealed class RandomWeight : IDisposable
{
    private readonly NativeBuffer _buffer;

    internal RandomWeight(TensorType type, int rows, int columns)
    {
        var rowBytes = (int)TensorTypeInfo.Of(type).RowBytes(columns);
        _buffer = new NativeBuffer((long)rowBytes * rows);
        for (var row = 0; row < rows; row++)
            Quantizer.Row(type, Values(columns, seed: row), _buffer.Span((long)row * rowBytes, rowBytes));
        Matrix = new WeightMatrix(_buffer.Region, type, rows, columns);
    }

    internal WeightMatrix Matrix { get; }

    internal static float[] Values(int count, int seed)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (var i = 0; i < count; i++)
            values[i] = random.NextSingle() - 0.5f;
        return values;
    }

    public void Dispose() => _buffer.Dispose();
}
