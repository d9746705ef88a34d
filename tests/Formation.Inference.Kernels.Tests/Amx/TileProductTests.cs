using Formation.Inference.Kernels.Amx;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Kernels.Threading;
using Formation.Inference.Kernels.Tiles;

namespace Formation.Inference.Kernels.Tests.Amx;

public sealed unsafe class TileProductTests : IDisposable
{
    private readonly WorkerTeam _team = new(2);
    private readonly BrainActivations _x = new();
    private readonly NativeBuffer _memory = new(1 << 20);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(16)]
    [InlineData(64)]
    public void Panels_fit_the_caches_and_give_every_thread_as_many(int threads)
    {
        for (var pairs = 1; pairs < 700; pairs++)
        {
            var panels = TileProduct.Panels(pairs, threads, mostPairs: 8, fewestPairs: 4);
            Assert.InRange(panels, 1, pairs);
            Assert.InRange((pairs + panels - 1) / panels, 1, 8);
            Assert.True(panels % threads == 0 || panels == pairs, $"{pairs} pairs in {panels} panels for {threads} threads");
        }
    }

    [Fact]
    public void What_is_unpacked_was_asked_for_before_save_the_first()
    {
        var weight = BrainMatrix.Random(outputs: 70, inputs: 1100, seed: 1);
        using var single = new WorkerTeam(1);
        Multiply(weight, rows: 3, new CountingKernel(), single);
        // Five strips in three pairs, three chunks of inputs, two panels: the first pair of each panel is not asked for.
        var parts = Enumerable.Range(0, 5).SelectMany(strip => new[] { (strip, 0, 512), (strip, 512, 512), (strip, 1024, 96) }).ToHashSet();
        var asked = weight.Prefetched.ToHashSet();
        Assert.Equal(weight.Prefetched.Count, asked.Count);
        Assert.Subset(parts, asked);
        Assert.All(parts.Except(asked), part => Assert.Equal(0, part.Item2));
    }

    [Fact]
    public void A_failing_kernel_reaches_the_caller_and_the_team_stays_usable()
    {
        var weight = BrainMatrix.Random(outputs: 200, inputs: 40, seed: 2);
        for (var call = 0; call < 20; call++)
            Assert.Throws<NullReferenceException>(() => Multiply(weight, rows: 5, new FailingKernel(), _team));
        var kernel = new CountingKernel();
        Multiply(weight, rows: 5, kernel, _team);
        Assert.Equal(7, kernel.Passes);
    }

    [Fact]
    public void A_product_allocates_nothing()
    {
        var weight = new NoWeight(outputs: 200, inputs: 600);
        var kernel = new CountingKernel();
        for (var call = 0; call < 30; call++)
            Multiply(weight, rows: 40, kernel, _team);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var call = 0; call < 30; call++)
            Multiply(weight, rows: 40, kernel, _team);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Shapes_that_do_not_fit_together_are_refused()
    {
        var weight = BrainMatrix.Random(outputs: 20, inputs: 40, seed: 3);
        var other = BrainMatrix.Random(outputs: 21, inputs: 40, seed: 3);
        _x.Set(_memory.Region, rows: 2, inputs: 41, _team);
        Assert.Throws<ArgumentException>(() => Run(LinearEnd.Store, weight));
        _x.Set(_memory.Region, rows: 2, inputs: 40, _team);
        Assert.Throws<ArgumentException>(() => Run(LinearEnd.Gate, weight));
        Assert.Throws<ArgumentException>(() => Run(LinearEnd.Gate, weight, other));
    }

    [Fact]
    public void No_rows_and_no_layers_are_no_work()
    {
        var weight = BrainMatrix.Random(outputs: 20, inputs: 40, seed: 4);
        _x.Set(_memory.Region, rows: 0, inputs: 40, _team);
        Run(LinearEnd.Store, weight);
        _x.Set(_memory.Region, rows: 1, inputs: 40, _team);
        Run(LinearEnd.Store);
    }

    [Fact]
    public void Without_a_matrix_unit_there_is_no_machine_kernel()
    {
        Assert.SkipWhen(TileUnit.Support == AmxSupport.Usable, "this machine has one");
        Assert.Throws<InvalidOperationException>(() => MachineTileKernel.Instance);
    }

    public void Dispose()
    {
        _team.Dispose();
        _x.Dispose();
        _memory.Dispose();
    }

    private void Run(LinearEnd end, params BrainMatrix[] weights) =>
        TileProduct.Run([.. weights.Select(Target)], _x, end, _team, new FailingKernel());

    private void Multiply(IBrainPanels weight, int rows, ITileKernel kernel, WorkerTeam team)
    {
        _x.Set(_memory.Region, rows, weight.Inputs, team);
        TileProduct.Run([Target(weight)], _x, LinearEnd.Store, team, kernel);
    }

    private TileTarget Target(IBrainPanels weight) => new(weight, null, (float*)_memory.Region.Pointer + (1 << 17));

    private sealed class CountingKernel : ITileKernel
    {
        private int _passes;

        internal int Passes => _passes;

        public void Run(TilePassShape shape, TilePass* pass) => Interlocked.Increment(ref _passes);
    }

    private sealed class FailingKernel : ITileKernel
    {
        public void Run(TilePassShape shape, TilePass* pass) => throw new NullReferenceException();
    }

    private sealed class NoWeight(int outputs, int inputs) : IBrainPanels
    {
        public int Outputs => outputs;

        public int Inputs => inputs;

        public void Unpack(int strip, int firstInput, int count, ushort* pairs) =>
            new Span<ushort>(pairs, count * BrainTile.Outputs).Clear();

        public void Prefetch(int strip, int firstInput, int count)
        {
        }
    }
}
