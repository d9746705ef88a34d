using BenchmarkDotNet.Attributes;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Benchmarks;

/// <summary>A layer of 4096 outputs over 2048 inputs: 1 row is token generation for one request, 8 for a small batch, 256 a chunk of a prompt.</summary>
[MemoryDiagnoser]
public class LinearBenchmarks
{
    private const int Outputs = 4096;
    private const int Inputs = 2048;

    private WorkerTeam? _team;
    private RandomWeight? _weight;
    private float[] _x = [];
    private float[] _y = [];

    [Params(TensorType.F16, TensorType.Q8_0, TensorType.Q4_0, TensorType.Q4_K, TensorType.Q6_K)]
    public TensorType Type { get; set; }

    [Params(1, 8, 256)]
    public int Rows { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _team = new WorkerTeam(MachineDescription.Read().DefaultThreads);
        _weight = new RandomWeight(Type, Outputs, Inputs);
        _x = RandomWeight.Values(Rows * Inputs, seed: 1);
        _y = new float[Rows * Outputs];
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _team?.Dispose();
        _weight?.Dispose();
    }

    [Benchmark]
    public void Multiply() => Linear.Multiply(_weight!.Matrix, _x, _y, Rows, _team!);
}
