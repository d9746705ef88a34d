using System.Runtime.InteropServices;
using Formation.Inference.Kernels;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Node.Inventory;

/// <summary>Measures a machine in about two seconds: how fast it reads memory, and how fast the kernels multiply.</summary>
public static class SpeedMeasurement
{
    // A weight that stays in the caches between two products, so that memory does not count twice, and rows enough to be busy multiplying.
    private const int Outputs = 2048;
    private const int Inputs = 2048;
    private const int InputRows = 64;
    private const TensorType Format = TensorType.Q4_K;

    private const int LeastProducts = 5;
    private const int MostProducts = 100_000;
    private static readonly TimeSpan ProductsTime = TimeSpan.FromMilliseconds(700);
    private const int BandwidthRuns = 3;

    /// <summary>Takes the measurements.</summary>
    /// <param name="threads">Threads that compute.</param>
    /// <param name="availableBytes">Free memory; at most an eighth of it is used.</param>
    /// <param name="clock">Measures the time.</param>
    /// <returns>Null where too little memory is free to leave the caches.</returns>
    /// <exception cref="OutOfMemoryException">The system does not give what it said was free.</exception>
    public static MachineSpeed? Measure(int threads, long availableBytes, TimeProvider clock)
    {
        using var team = new WorkerTeam(threads);
        var reads = new List<double>();
        for (var run = 0; run < BandwidthRuns; run++)
        {
            if (MemoryBandwidth.Measure(team, availableBytes, clock) is not { } speed)
                return null;
            reads.Add(speed);
        }
        return MultiplyAdds(team, clock) is { } products ? new MachineSpeed(Median(reads), products) : null;
    }

    private static double? MultiplyAdds(WorkerTeam team, TimeProvider clock)
    {
        using var stored = new NativeBuffer(TensorTypeInfo.Of(Format).RowBytes(Inputs) * Outputs);
        using var weight = PackedMatrix.Pack(new WeightMatrix(stored.Region, Format, Outputs, Inputs), team, new HugePageArena());
        using var inputs = new NativeBuffer(sizeof(float) * InputRows * Inputs);
        using var outputs = new NativeBuffer(sizeof(float) * InputRows * Outputs);
        var values = MemoryMarshal.Cast<byte, float>(inputs.Span(0, (int)inputs.Length));
        for (var i = 0; i < values.Length; i++)
            values[i] = (i % 17) - 8;
        using var input = new LinearInput();

        // All products together and not the middle one: a machine that does something else beside has that time less for models, too.
        Multiply();
        var begin = clock.GetTimestamp();
        var products = 0;
        while (products < LeastProducts || (products < MostProducts && clock.GetElapsedTime(begin) < ProductsTime))
        {
            Multiply();
            products++;
        }
        var seconds = clock.GetElapsedTime(begin).TotalSeconds;
        return seconds > 0 ? (double)products * InputRows * Inputs * Outputs / seconds : null;

        void Multiply()
        {
            // Set anew each time: rounding the activations is part of a layer.
            input.Set(inputs.Region, InputRows, Inputs);
            Linear.Multiply([new LinearTarget(weight, default, outputs.Region)], input, team);
        }
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }
}
