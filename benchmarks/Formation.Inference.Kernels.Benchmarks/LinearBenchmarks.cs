using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Benchmarks;

/// <summary>A layer of 4096 outputs over 2048 inputs: 1 row is token generation for one request, 8 for a small batch, 256 a chunk of a prompt.</summary>
[MemoryDiagnoser]
public class LinearBenchmarks
{
    private const int Outputs = 4096;
    private const int Inputs = 2048;

    private WorkerTeam? _team;
    private PackedMatrix? _weight;
    private NativeBuffer? _x;
    private NativeBuffer? _y;
    private LinearInput? _input;

    [Params(TensorType.F16, TensorType.Q8_0, TensorType.Q4_0, TensorType.Q4_K, TensorType.Q6_K)]
    public TensorType Type { get; set; }

    [Params(1, 8, 256)]
    public int Rows { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _team = new WorkerTeam(MachineDescription.Read().DefaultThreads);
        using var stored = new RandomWeight(Type, Outputs, Inputs);
        _weight = PackedMatrix.Pack(stored.Matrix, _team, new HugePageArena());
        _x = new NativeBuffer(Rows * Inputs * sizeof(float));
        MemoryMarshal.AsBytes(RandomWeight.Values(Rows * Inputs, seed: 1).AsSpan()).CopyTo(_x.Span(0, (int)_x.Length));
        _y = new NativeBuffer(Rows * Outputs * sizeof(float));
        _input = new LinearInput();
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _team?.Dispose();
        _weight?.Dispose();
        _input?.Dispose();
        _x?.Dispose();
        _y?.Dispose();
    }

    [Benchmark]
    public void Multiply()
    {
        // Set anew, so that quantising the activations is part of what is measured.
        _input!.Set(_x!.Region, Rows, Inputs);
        Linear.Multiply([new(_weight!, default, _y!.Region)], _input, _team!);
    }
}
