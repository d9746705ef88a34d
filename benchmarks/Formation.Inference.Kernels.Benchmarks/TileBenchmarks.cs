using System.Runtime.Intrinsics.X86;
using BenchmarkDotNet.Attributes;
using Formation.Inference.Kernels.Amx;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Kernels.Threading;
using Formation.Inference.Kernels.Tiles;

namespace Formation.Inference.Kernels.Benchmarks;

/// <summary>
/// A chunk of a prompt on the matrix unit. <see cref="Pass"/> is the machine code alone, on one thread and out of the caches: 8.4 million
/// multiplications, 5.3 microseconds at the 1.58 x 10^12 a second that a Sapphire Rapids core reaches. <see cref="Product"/> is a layer
/// of 2048 outputs over 2048 inputs with weights that need no unpacking: 2.1 x 10^9 multiplications.
/// </summary>
public unsafe class TileBenchmarks
{
    private const int Rows = 512;
    private const int Inputs = 2048;
    private const int Outputs = 2048;

    private readonly BrainActivations _x = new();
    private NativeBuffer? _y;
    private TileThread? _thread;
    private WorkerTeam? _team;
    private Unpacked? _weight;

    [GlobalSetup]
    public void Setup()
    {
        if (TileUnit.Support != AmxSupport.Usable)
            throw new NotSupportedException($"this machine has no matrix tiles for us: {TileUnit.Support}");
        _thread = TileThread.Prepare();
        _team = new WorkerTeam(MachineDescription.Read().DefaultThreads);
        _weight = new Unpacked();
        _y = new NativeBuffer((long)Rows * Outputs * sizeof(float));
        using var values = new NativeBuffer((long)Rows * Inputs * sizeof(float));
        RandomWeight.Values(Rows * Inputs, seed: 1).CopyTo(new Span<float>(values.Region.Pointer, Rows * Inputs));
        _x.Set(values.Region, Rows, Inputs, _team);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _team?.Dispose();
        _thread?.Dispose();
        _y?.Dispose();
        _weight?.Dispose();
        _x.Dispose();
    }

    [Benchmark]
    public void Pass()
    {
        var configuration = TileConfiguration.For(2 * BrainTile.Rows, 2 * BrainTile.Outputs);
        var sums = TileSums.Tiled((float*)_y!.Region.Pointer, Rows / BrainTile.Rows);
        var pass = new TilePass
        {
            Configuration = &configuration,
            Activations = _x.TilesOf(0, 0, 0),
            Weights = _weight!.Tiles,
            Steps = BrainTile.InputsAtOnce / BrainTile.Inputs,
            Blocks = Rows / (2 * BrainTile.Rows),
            Addend = sums,
            Sums = sums,
        };
        MachineTileKernel.Instance.Run(new TilePassShape(2, 2), &pass);
    }

    [Benchmark]
    public void Product() => TileProduct.Run(
        [new TileTarget(_weight!, null, (float*)_y!.Region.Pointer)], _x, LinearEnd.Store, _team!, MachineTileKernel.Instance);

    /// <summary>A weight that lies in memory as its tiles.</summary>
    private sealed class Unpacked : IBrainPanels, IDisposable
    {
        private readonly NativeBuffer _tiles = new((long)Inputs * Outputs * sizeof(ushort));

        internal Unpacked()
        {
            var values = RandomWeight.Values(Inputs * Outputs, seed: 2);
            for (var i = 0; i < values.Length; i++)
                Tiles[i] = (ushort)(BitConverter.SingleToUInt32Bits(values[i]) >> 16);
        }

        int IBrainPanels.Outputs => Outputs;

        int IBrainPanels.Inputs => Inputs;

        internal ushort* Tiles => (ushort*)_tiles.Region.Pointer;

        public void Unpack(int strip, int firstInput, int inputs, ushort* pairs)
        {
            var numbers = inputs * BrainTile.Outputs;
            new ReadOnlySpan<ushort>(Part(strip, firstInput), numbers).CopyTo(new Span<ushort>(pairs, numbers));
        }

        public void Prefetch(int strip, int firstInput, int inputs)
        {
            var part = (byte*)Part(strip, firstInput);
            for (var offset = 0; offset < inputs * BrainTile.Outputs * sizeof(ushort); offset += 64)
                Sse.Prefetch1(part + offset);
        }

        public void Dispose() => _tiles.Dispose();

        private ushort* Part(int strip, int firstInput) => Tiles + (((nint)strip * Inputs) + firstInput) * BrainTile.Outputs;
    }
}
