using BenchmarkDotNet.Attributes;
using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Kernels.Benchmarks;

/// <summary>One row of 4096 values, from the caches: what unpacking costs by itself.</summary>
public class DequantizeBenchmarks
{
    private const int Columns = 4096;

    private readonly float[] _values = new float[Columns];
    private byte[] _row = [];

    [ParamsSource(nameof(Types))]
    public TensorType Type { get; set; }

    public static IEnumerable<TensorType> Types => Enum.GetValues<TensorType>().Where(type => TensorTypeInfo.Of(type).IsComputed);

    [GlobalSetup]
    public void Setup()
    {
        _row = new byte[TensorTypeInfo.Of(Type).RowBytes(Columns)];
        Quantizer.Row(Type, RandomWeight.Values(Columns, seed: 1), _row);
    }

    [Benchmark]
    public void Row() => Dequantizer.Row(Type, _row, _values);
}
