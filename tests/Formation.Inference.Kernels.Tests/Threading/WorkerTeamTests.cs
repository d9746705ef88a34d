using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Tests.Threading;

public sealed class WorkerTeamTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 17)]
    [InlineData(2, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 1000)]
    [InlineData(8, 5)]
    public void Each_task_runs_exactly_once_and_is_visible_on_return(int threads, int tasks)
    {
        using var team = new WorkerTeam(threads);
        for (var call = 0; call < 200; call++)
        {
            var runs = new int[tasks];
            team.Run(new CountJob(runs), tasks);
            Assert.All(runs, count => Assert.Equal(1, count));
        }
    }

    [Fact]
    public void No_task_is_no_work()
    {
        using var team = new WorkerTeam(2);
        team.Run(new CountJob([]), 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => team.Run(new CountJob([]), -1));
    }

    [Fact]
    public void Workers_that_parked_wake_for_the_next_call()
    {
        using var team = new WorkerTeam(3);
        for (var call = 0; call < 5; call++)
        {
            var runs = new int[64];
            team.Run(new CountJob(runs), 64);
            Assert.Equal(64, runs.Sum());
            Thread.Sleep(5);
        }
    }

    [Fact]
    public void The_workers_are_named_background_threads_of_the_team_itself()
    {
        using var team = new WorkerTeam(2, "crew");
        var names = new string?[2];
        var pool = new bool[2];
        using var bothArrived = new Barrier(2);
        team.Run(new NameJob(names, pool, bothArrived), 2);
        Assert.Contains("crew-1", names);
        var worker = Array.IndexOf(names, "crew-1");
        Assert.False(pool[worker]);
    }

    [Fact]
    public void A_task_failure_reaches_the_caller_and_the_team_stays_usable()
    {
        foreach (var threads in new[] { 1, 2, 4 })
        {
            using var team = new WorkerTeam(threads);
            for (var call = 0; call < 20; call++)
            {
                var error = Assert.Throws<FormatException>(() => team.Run(new FailingJob(failAt: call), 20));
                Assert.Equal($"task {call}", error.Message);
            }
            var runs = new int[20];
            team.Run(new CountJob(runs), 20);
            Assert.All(runs, count => Assert.Equal(1, count));
        }
    }

    [Fact]
    public void Using_the_team_from_inside_its_own_task_is_refused_and_does_not_hang()
    {
        foreach (var threads in new[] { 1, 3 })
        {
            using var team = new WorkerTeam(threads);
            Assert.Throws<InvalidOperationException>(() => team.Run(new NestedRunJob(team), 8));
            Assert.Throws<InvalidOperationException>(() => team.Run(new NestedDisposeJob(team), 8));
            team.Run(new CountJob(new int[4]), 4);
        }
    }

    [Fact]
    public void Callers_on_different_threads_take_turns()
    {
        using var team = new WorkerTeam(2);
        var inside = new int[1];
        var overlaps = new int[1];
        var callers = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            for (var call = 0; call < 100; call++)
                team.Run(new ExclusiveJob(inside, overlaps), 1);
        })).ToList();
        callers.ForEach(caller => caller.Start());
        callers.ForEach(caller => caller.Join());
        Assert.Equal(0, overlaps[0]);
    }

    [Fact]
    public void A_disposed_team_refuses_work_and_can_be_disposed_again()
    {
        var team = new WorkerTeam(3);
        team.Run(new CountJob(new int[8]), 8);
        team.Dispose();
        team.Dispose();
        Assert.Throws<ObjectDisposedException>(() => team.Run(new CountJob(new int[1]), 1));
    }

    [Fact]
    public void A_call_allocates_nothing()
    {
        using var team = new WorkerTeam(2);
        var values = new float[4096];
        for (var call = 0; call < 50; call++)
            team.Run(new SpanJob(values), 16);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var call = 0; call < 50; call++)
            team.Run(new SpanJob(values), 16);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.All(values, value => Assert.Equal(100, value));
    }

    [Fact]
    public void Spans_in_a_job_stay_valid_while_the_collector_moves_what_they_show()
    {
        using var team = new WorkerTeam(2);
        for (var call = 0; call < 20; call++)
        {
            var values = new float[1024];
            team.Run(new CollectingJob(values), 16);
            Assert.All(values, value => Assert.Equal(1, value));
        }
    }

    [Fact]
    public void Scratch_memory_belongs_to_one_worker_and_grows()
    {
        using var team = new WorkerTeam(2);
        team.Scratch(0, 16).Fill(1);
        team.Scratch(1, 16).Fill(2);
        Assert.Equal(1, team.Scratch(0, 16)[15]);
        Assert.Equal(100_000, team.Scratch(0, 100_000).Length);
        Assert.Equal(2, team.Scratch(1, 16)[0]);
    }

    [Fact]
    public void The_number_of_threads_is_checked()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new WorkerTeam(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new WorkerTeam(WorkerTeam.MaxThreads + 1));
    }

    private readonly struct CountJob(int[] runs) : IJob
    {
        public void Execute(int task, int worker) => runs[task]++;
    }

    private readonly struct NameJob(string?[] names, bool[] pool, Barrier bothArrived) : IJob
    {
        public void Execute(int task, int worker)
        {
            names[task] = Thread.CurrentThread.Name;
            pool[task] = Thread.CurrentThread.IsThreadPoolThread || !Thread.CurrentThread.IsBackground;
            bothArrived.SignalAndWait();
        }
    }

    private readonly struct FailingJob(int failAt) : IJob
    {
        public void Execute(int task, int worker)
        {
            if (task == failAt)
                throw new FormatException($"task {task}");
        }
    }

    private readonly struct NestedRunJob(WorkerTeam team) : IJob
    {
        public void Execute(int task, int worker) => team.Run(new CountJob(new int[2]), 2);
    }

    private readonly struct NestedDisposeJob(WorkerTeam team) : IJob
    {
        public void Execute(int task, int worker) => team.Dispose();
    }

    private readonly struct ExclusiveJob(int[] inside, int[] overlaps) : IJob
    {
        public void Execute(int task, int worker)
        {
            if (Interlocked.Increment(ref inside[0]) != 1)
                Interlocked.Increment(ref overlaps[0]);
            Thread.SpinWait(20);
            Interlocked.Decrement(ref inside[0]);
        }
    }

    private readonly ref struct SpanJob(Span<float> values) : IJob
    {
        private readonly Span<float> _values = values;

        public void Execute(int task, int worker)
        {
            foreach (ref var value in _values.Slice(task * 256, 256))
                value++;
        }
    }

    private readonly ref struct CollectingJob(Span<float> values) : IJob
    {
        private readonly Span<float> _values = values;

        public void Execute(int task, int worker)
        {
            if (task % 4 == 0)
                GC.Collect(0, GCCollectionMode.Forced, blocking: true, compacting: true);
            foreach (ref var value in _values.Slice(task * 64, 64))
                value++;
        }
    }
}
