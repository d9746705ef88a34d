using System.Diagnostics;
using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Amx;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Kernels.Tests.Amx.Emulation;
using Formation.Inference.Kernels.Tests.Formats;
using Formation.Inference.Kernels.Threading;
using Formation.Inference.Kernels.Tiles;

namespace Formation.Inference.Kernels.Tests.Amx;

/// <summary>
/// Products on tile threads while the collector runs without rest, signals become exceptions on the same and on other threads, and
/// threads and memory come and go as they do when models are loaded anew: no crash, and every result has the bits of the first.
/// </summary>
public sealed unsafe class TileSoakTests
{
    private const int Rows = 70, Inputs = 600, Outputs = 130;

    private static readonly float[] Values = RandomRows.Values(Rows * Inputs, seed: 1);

    [Fact]
    public void A_moment_of_all_this_in_the_emulator() => Soak(EmulatorFor, TimeSpan.Zero);

    [Fact]
    public void Some_seconds_of_all_this_on_the_matrix_unit()
    {
        RequireTiles();
        Soak((_, _, _) => MachineTileKernel.Instance, TimeSpan.FromSeconds(3));
    }

    [Fact, Trait("Category", "Long")]
    public void Ten_minutes_of_all_this_on_the_matrix_unit()
    {
        RequireTiles();
        Soak((_, _, _) => MachineTileKernel.Instance, TimeSpan.FromMinutes(10));
    }

    private static void RequireTiles() =>
        Assert.SkipUnless(TileUnit.Support == AmxSupport.Usable, $"this machine has no matrix tiles for us: {TileUnit.Support}");

    private static ITileKernel EmulatorFor(BrainActivations x, NativeBuffer y, WorkerTeam team)
    {
        var kernel = new EmulatedTileKernel();
        kernel.Allow(x.Tiles, writable: false);
        kernel.Allow(y.Region, writable: true);
        for (var worker = 0; worker < team.Threads; worker++)
        {
            fixed (float* scratch = team.Scratch(worker, 1 << 18))
                kernel.Allow(new MemoryRegion((byte*)scratch, sizeof(float) << 18), writable: true);
        }
        return kernel;
    }

    private static void Soak(Func<BrainActivations, NativeBuffer, WorkerTeam, ITileKernel> kernelFor, TimeSpan duration)
    {
        using var stop = new CancellationTokenSource();
        var disturbers = new[] { Start(Collect, stop.Token), Start(Fault, stop.Token) };
        try
        {
            var expected = Definition();
            var watch = Stopwatch.StartNew();
            for (var round = 0; round < 2 || watch.Elapsed < duration; round++)
                RunLoadedModel(kernelFor, threads: 1 + (round % 4), expected);
        }
        finally
        {
            stop.Cancel();
            Assert.All(disturbers, thread => Assert.True(thread.Join(TimeSpan.FromMinutes(1))));
        }
    }

    /// <summary>One life of threads, weights and activations.</summary>
    private static void RunLoadedModel(
        Func<BrainActivations, NativeBuffer, WorkerTeam, ITileKernel> kernelFor, int threads, float[] expected)
    {
        using var team = new WorkerTeam(threads);
        using var x = new BrainActivations();
        using var values = new NativeBuffer(Values.Length * sizeof(float));
        using var y = new NativeBuffer(Rows * Outputs * sizeof(float));
        Values.CopyTo(new Span<float>(values.Region.Pointer, Values.Length));
        x.Set(values.Region, Rows, Inputs, team);
        var kernel = kernelFor(x, y, team);
        var weight = BrainMatrix.Random(Outputs, Inputs, seed: 2);
        for (var call = 0; call < 3; call++)
        {
            y.Span(0, (int)y.Length).Clear();
            TileProduct.Run([new TileTarget(weight, null, (float*)y.Region.Pointer)], x, LinearEnd.Store, team, kernel);
            Assert.Equal(RandomRows.Bits(expected).ToArray(), RandomRows.Bits(new Span<float>(y.Region.Pointer, Rows * Outputs)).ToArray());
            // On the threads that have just used tiles: the signal's handler stores their state.
            Assert.Throws<NullReferenceException>(() => team.RunOnTileThreads(new NullReferenceJob(), threads));
        }
    }

    private static float[] Definition()
    {
        var weight = BrainMatrix.Random(Outputs, Inputs, seed: 2);
        var expected = new float[Rows * Outputs];
        for (var row = 0; row < Rows; row++)
        {
            var rounded = BrainMatrix.Round(Values[(row * Inputs)..((row + 1) * Inputs)]);
            ushort[] left = [.. rounded, .. new ushort[-Inputs & (BrainTile.Inputs - 1)]];
            for (var output = 0; output < Outputs; output++)
                expected[(row * Outputs) + output] = BrainDot.Accumulate(left, weight.Row(output), 0);
        }
        return expected;
    }

    private static Thread Start(Action<CancellationToken> work, CancellationToken stop)
    {
        var thread = new Thread(() => work(stop)) { IsBackground = true };
        thread.Start();
        return thread;
    }

    private static void Collect(CancellationToken stop)
    {
        var survivors = new Queue<byte[]>();
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            for (var j = 0; j < 100; j++)
                survivors.Enqueue(new byte[1000 + (37 * j)]);
            while (survivors.Count > 1000)
                survivors.Dequeue();
            GC.Collect(i % 10 == 0 ? 2 : i % 2, GCCollectionMode.Forced, blocking: true, compacting: i % 10 == 0);
        }
    }

    private static void Fault(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                NullReferenceJob.Touch(null!);
                Assert.Fail("reading through a null reference gave a value");
            }
            catch (NullReferenceException)
            {
            }
        }
    }

    private readonly struct NullReferenceJob : IJob
    {
        public void Execute(int task, int worker) => Touch(null!);

        [MethodImpl(MethodImplOptions.NoInlining)]
        internal static int Touch(int[] values) => values.Length;
    }
}
