using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Formation.Inference.Kernels.Memory;

namespace Formation.Inference.Kernels.Threading;

/// <summary>
/// Threads of its own (never the thread pool's) that share the tasks of one job at a time with the caller. A call allocates
/// nothing; workers spin for a moment between calls, since a forward pass makes hundreds of them, and then park until the next one.
/// </summary>
/// <remarks>
/// Callers take turns. A worker takes the next task whenever it is free, so a busy core delays one task and not the job; results do not
/// depend on that, see <see cref="IJob.Execute"/>.
/// </remarks>
public sealed unsafe class WorkerTeam : IDisposable
{
    // About 40 microseconds: longer than the gaps inside a forward pass, short enough to cost an idle or contended machine nothing.
    private const int SpinsBeforeParking = 1000;

    [ThreadStatic]
    private static WorkerTeam? _teamOfThisThread;

    private readonly Lock _turn = new();
    private readonly object _parking = new();
    private readonly object _finished = new();
    private readonly Thread[] _workers;
    private readonly NativeBuffer?[] _scratch;
    private readonly int _spins;

    // Number of the call in the upper half, tasks not yet taken in the lower: one word, so that a late worker can't take a task of
    // another call.
    private PaddedCounter _ticket;
    private PaddedCounter _unfinished;
    private uint _call;
    private int _parkedWorkers;
    private int _callerIsParked;
    private volatile bool _stopping;

    // The call under way. A worker reads these only while it holds a task that is not finished, during which they do not change.
    private void* _job;
    private delegate*<void*, int, int, void> _execute;
    private int _tasks;
    private volatile ExceptionDispatchInfo? _failure;

    /// <param name="threads">Threads that work, the caller's included.</param>
    /// <param name="name">First part of the threads' names.</param>
    public WorkerTeam(int threads, string name = "form-kernels")
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threads, MaxThreads);
        Threads = threads;
        _spins = Environment.ProcessorCount > 1 ? SpinsBeforeParking : 0;
        _scratch = new NativeBuffer?[threads];
        _workers = new Thread[threads - 1];
        for (var i = 0; i < _workers.Length; i++)
        {
            var worker = i + 1;
            _workers[i] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"{name}-{worker}" };
            _workers[i].UnsafeStart();
        }
    }

    /// <summary>Most threads that a team can have.</summary>
    public const int MaxThreads = 1024;

    /// <summary>Threads that work on a job, the caller's included.</summary>
    public int Threads { get; }

    /// <summary>Runs all tasks of a job and returns when the last one is done. Other callers wait for their turn.</summary>
    /// <exception cref="InvalidOperationException">Called from inside a task of this team.</exception>
    /// <exception cref="ObjectDisposedException">The team has been disposed.</exception>
    /// <remarks>If a task throws, tasks not yet begun are dropped and the first exception is thrown here; the team stays usable.</remarks>
    public void Run<TJob>(in TJob job, int tasks)
        where TJob : struct, IJob, allows ref struct
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tasks);
        RefuseInsideTask();
        lock (_turn)
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            var outer = _teamOfThisThread;
            _teamOfThisThread = this;
            try
            {
                if (tasks > 1 && _workers.Length > 0)
                    Share(job, tasks);
                else
                    RunAlone(job, tasks);
            }
            finally
            {
                _teamOfThisThread = outer;
            }
        }
    }

    /// <summary>Memory of one worker for the time of one task; its content is undefined.</summary>
    /// <param name="worker">The number that the task was given.</param>
    /// <param name="count">Floats wanted. Asking again gives the same memory, or larger memory instead of it.</param>
    public Span<float> Scratch(int worker, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var bytes = (long)count * sizeof(float);
        var buffer = _scratch[worker];
        if (buffer is null || buffer.Length < bytes)
        {
            buffer?.Dispose();
            _scratch[worker] = null;
            _scratch[worker] = buffer = new NativeBuffer(bytes);
        }
        return new Span<float>(buffer.Region.Pointer, count);
    }

    /// <summary>Waits for the job under way, then ends the threads.</summary>
    /// <exception cref="InvalidOperationException">Called from inside a task of this team.</exception>
    public void Dispose()
    {
        RefuseInsideTask();
        lock (_turn)
        {
            if (_stopping)
                return;
            _stopping = true;
            Announce(tasks: 0);
            foreach (var worker in _workers)
                worker.Join();
            foreach (var buffer in _scratch)
                buffer?.Dispose();
        }
    }

    private void RefuseInsideTask()
    {
        if (_teamOfThisThread == this)
            throw new InvalidOperationException("a task can't use the team that runs it: make more tasks of the same job instead");
    }

    private static void RunAlone<TJob>(in TJob job, int tasks)
        where TJob : struct, IJob, allows ref struct
    {
        for (var task = 0; task < tasks; task++)
            Unsafe.AsRef(in job).Execute(task, 0);
    }

    private void Share<TJob>(in TJob job, int tasks)
        where TJob : struct, IJob, allows ref struct
    {
        // The copy lives in this frame, which outlives every use of the pointer, and the collector keeps what it refers to.
        var copy = job;
        _job = Unsafe.AsPointer(ref copy);
        _execute = &Execute<TJob>;
        _tasks = tasks;
        _failure = null;
        Volatile.Write(ref _unfinished.Value, tasks);
        Announce(tasks);
        TakeTasks(worker: 0);
        WaitUntilFinished();
        _job = null;
        var failure = _failure;
        _failure = null;
        failure?.Throw();
    }

    private static void Execute<TJob>(void* job, int task, int worker)
        where TJob : struct, IJob, allows ref struct => Unsafe.AsRef<TJob>(job).Execute(task, worker);

    private void Announce(int tasks)
    {
        _call++;
        Interlocked.Exchange(ref _ticket.Value, ((long)_call << 32) | (uint)tasks);
        if (Volatile.Read(ref _parkedWorkers) == 0)
            return;
        lock (_parking)
            Monitor.PulseAll(_parking);
    }

    private void Work(int worker)
    {
        _teamOfThisThread = this;
        var lastCall = 0u;
        while (true)
        {
            lastCall = WaitForCallAfter(lastCall);
            if (_stopping)
                return;
            TakeTasks(worker);
        }
    }

    private void TakeTasks(int worker)
    {
        while (true)
        {
            var ticket = Volatile.Read(ref _ticket.Value);
            var left = (uint)ticket;
            if (left == 0)
                return;
            if (Interlocked.CompareExchange(ref _ticket.Value, ticket - 1, ticket) != ticket)
                continue;
            try
            {
                if (_failure is null)
                    _execute(_job, _tasks - (int)left, worker);
            }
            catch (Exception exception)
            {
                var failure = ExceptionDispatchInfo.Capture(exception);
                lock (_finished)
                    _failure ??= failure;
            }
            if (Interlocked.Decrement(ref _unfinished.Value) == 0 && Volatile.Read(ref _callerIsParked) != 0)
            {
                lock (_finished)
                    Monitor.PulseAll(_finished);
            }
        }
    }

    private uint Call() => (uint)(Volatile.Read(ref _ticket.Value) >> 32);

    private uint WaitForCallAfter(uint lastCall)
    {
        for (var spin = 0; spin < _spins; spin++)
        {
            if (Call() != lastCall)
                return Call();
            Thread.SpinWait(1);
        }
        lock (_parking)
        {
            // The fence of the increment and that of Announce order both sides: either this sees the new call, or Announce sees
            // this worker.
            Interlocked.Increment(ref _parkedWorkers);
            while (Call() == lastCall)
                Monitor.Wait(_parking);
            Interlocked.Decrement(ref _parkedWorkers);
            return Call();
        }
    }

    private void WaitUntilFinished()
    {
        for (var spin = 0; spin < _spins; spin++)
        {
            if (Volatile.Read(ref _unfinished.Value) == 0)
                return;
            Thread.SpinWait(1);
        }
        lock (_finished)
        {
            Interlocked.Exchange(ref _callerIsParked, 1);
            while (Volatile.Read(ref _unfinished.Value) != 0)
                Monitor.Wait(_finished);
            Volatile.Write(ref _callerIsParked, 0);
        }
    }
}
