using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Tests.Threading;

public sealed class TileThreadTests
{
    private const nuint SmallestBytes = 64 << 10;

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 9)]
    [InlineData(2, 1)]
    [InlineData(3, 64)]
    public void A_tile_job_runs_each_task_once_and_only_on_threads_of_the_team(int threads, int tasks)
    {
        using var team = new WorkerTeam(threads, "crew");
        for (var call = 0; call < 100; call++)
        {
            var runs = new int[tasks];
            var names = new string?[tasks];
            team.RunOnTileThreads(new WitnessJob(runs, names, new nuint[tasks]), tasks);
            Assert.All(runs, count => Assert.Equal(1, count));
            Assert.All(names, name => Assert.StartsWith("crew-", name));
        }
    }

    [Fact]
    public void Every_thread_of_a_tile_job_has_a_large_signal_stack_and_the_caller_keeps_its_own()
    {
        var before = SignalStack.BytesInForce;
        using var team = new WorkerTeam(3);
        var bytes = new nuint[30];
        team.RunOnTileThreads(new WitnessJob(new int[30], new string?[30], bytes), 30);
        Assert.All(bytes, size => Assert.InRange(size, SmallestBytes, nuint.MaxValue));
        Assert.Equal(before, SignalStack.BytesInForce);
    }

    [Fact]
    public void A_prepared_caller_works_itself_and_gets_its_old_stack_back()
    {
        using var team = new WorkerTeam(1, "crew");
        var names = new string?[4];
        var bytes = new nuint[4];
        nuint before = 0, after = 0;
        var thread = new Thread(() =>
        {
            before = SignalStack.BytesInForce;
            using (TileThread.PrepareAnyway())
            {
                Assert.Null(TileThread.PrepareAnyway());
                team.RunOnTileThreads(new WitnessJob(new int[4], names, bytes), 4);
            }
            after = SignalStack.BytesInForce;
        })
        { Name = "engine" };
        thread.Start();
        thread.Join();
        Assert.All(names, name => Assert.Equal("engine", name));
        Assert.All(bytes, size => Assert.InRange(size, SmallestBytes, nuint.MaxValue));
        Assert.InRange(before, (nuint)1, SmallestBytes - 1);
        Assert.Equal(before, after);
    }

    [Fact]
    public void A_signal_stack_is_taken_away_only_by_its_own_thread()
    {
        TileThread? prepared = null;
        using var checkedHere = new ManualResetEventSlim();
        var thread = new Thread(() =>
        {
            prepared = TileThread.PrepareAnyway();
            checkedHere.Wait();
            prepared!.Dispose();
            prepared.Dispose();
        });
        thread.Start();
        SpinWait.SpinUntil(() => Volatile.Read(ref prepared) is not null);
        Assert.Throws<InvalidOperationException>(() => prepared!.Dispose());
        checkedHere.Set();
        thread.Join();
    }

    [Fact]
    public void Null_references_in_tile_jobs_become_exceptions_on_every_thread()
    {
        for (var round = 0; round < 10; round++)
        {
            using var team = new WorkerTeam(3);
            for (var call = 0; call < 50; call++)
                Assert.Throws<NullReferenceException>(() => team.RunOnTileThreads(new NullReferenceJob(), 6));
            var runs = new int[6];
            team.RunOnTileThreads(new WitnessJob(runs, new string?[6], new nuint[6]), 6);
            Assert.All(runs, count => Assert.Equal(1, count));
        }
    }

    [Fact]
    public void Jobs_with_and_without_tiles_follow_each_other_and_no_worker_number_is_in_use_twice_at_a_time()
    {
        using var team = new WorkerTeam(2);
        var inUse = new int[team.Threads];
        var faults = new int[1];
        var done = new int[1];
        for (var call = 0; call < 3000; call++)
        {
            var job = new ExclusiveWorkerJob(inUse, faults, done);
            if (call % 3 == 0)
                team.RunOnTileThreads(job, 5);
            else
                team.Run(job, 5);
        }
        Assert.Equal(0, faults[0]);
        Assert.Equal(3000 * 5, done[0]);
    }

    [Fact]
    public void The_team_can_not_be_used_from_inside_a_tile_job()
    {
        using var team = new WorkerTeam(1);
        Assert.Throws<InvalidOperationException>(() => team.RunOnTileThreads(new NestedJob(team), 2));
    }

    [Fact]
    public void A_tile_job_without_tasks_does_nothing_and_a_disposed_team_refuses_it()
    {
        var team = new WorkerTeam(2);
        team.RunOnTileThreads(new NullReferenceJob(), 0);
        team.RunOnTileThreads(new WitnessJob(new int[2], new string?[2], new nuint[2]), 2);
        team.Dispose();
        Assert.Throws<ObjectDisposedException>(() => team.RunOnTileThreads(new NullReferenceJob(), 1));
    }

    [Fact]
    public void A_tile_job_allocates_nothing()
    {
        using var team = new WorkerTeam(2);
        var job = new ExclusiveWorkerJob(new int[2], new int[1], new int[1]);
        for (var call = 0; call < 20; call++)
            team.RunOnTileThreads(job, 4);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var call = 0; call < 20; call++)
            team.RunOnTileThreads(job, 4);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private readonly struct WitnessJob(int[] runs, string?[] names, nuint[] signalStackBytes) : IJob
    {
        public void Execute(int task, int worker)
        {
            Interlocked.Increment(ref runs[task]);
            names[task] = Thread.CurrentThread.Name;
            signalStackBytes[task] = SignalStack.BytesInForce;
        }
    }

    private readonly struct NullReferenceJob : IJob
    {
        public void Execute(int task, int worker) => Touch(null!);

        // A read through a null pointer that the processor notices: a signal that the run-time turns into an exception.
        [MethodImpl(MethodImplOptions.NoInlining)]
        private static int Touch(int[] values) => values.Length;
    }

    private readonly struct ExclusiveWorkerJob(int[] inUse, int[] faults, int[] done) : IJob
    {
        public void Execute(int task, int worker)
        {
            if (Interlocked.Increment(ref inUse[worker]) != 1)
                Interlocked.Increment(ref faults[0]);
            Thread.SpinWait(5);
            Interlocked.Increment(ref done[0]);
            Interlocked.Decrement(ref inUse[worker]);
        }
    }

    private readonly struct NestedJob(WorkerTeam team) : IJob
    {
        public void Execute(int task, int worker) => team.RunOnTileThreads(new NullReferenceJob(), 1);
    }
}
