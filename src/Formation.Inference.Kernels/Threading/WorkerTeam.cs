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
    private readonly Lock _failing = new();
    private readonly string _name;
    private readonly Thread[] _workers;
    private readonly NativeBuffer?[] _scratch;
    private readonly int _spins;
    private readonly int _spinsBesideWorkers;
    private readonly IReadOnlyList<int>? _processors;

    // Outside of the managed heap, since the system parks threads on addresses.
    private readonly NativeBuffer _wordsMemory = new(sizeof(TeamWords));
    private readonly TeamWords* _words;
    private Thread? _standIn;
    private uint _call;
    private volatile bool _stopping;

    // The call under way. A worker reads these only while it holds a task that is not finished, during which they do not change.
    private void* _job;
    private delegate*<void*, int, int, void> _execute;
    private int _tasks;
    private bool _needsTileThreads;
    private volatile ExceptionDispatchInfo? _failure;

    /// <param name="threads">Threads that work, the caller's included.</param>
    /// <param name="name">First part of the threads' names.</param>
    public WorkerTeam(int threads, string name = "form-kernels")
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threads, MaxThreads);
        Threads = threads;
        _name = name;
        _words = (TeamWords*)_wordsMemory.Region.Pointer;
        // A thread that spins where another could run delays the one that it waits for.
        _spins = threads <= Environment.ProcessorCount && Environment.ProcessorCount > 1 ? SpinsBeforeParking : 0;
        _spinsBesideWorkers = threads < Environment.ProcessorCount ? SpinsBeforeParking : 0;
        _processors = ThreadPinning.Plan(threads);
        _scratch = new NativeBuffer?[threads];
        _workers = new Thread[threads - 1];
        for (var i = 0; i < _workers.Length; i++)
        {
            var worker = i + 1;
            _workers[i] = Start(worker, () => Work(worker));
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
        where TJob : struct, IJob, allows ref struct => Run(job, tasks, onTileThreads: false);

    /// <summary>
    /// Like <see cref="Run{TJob}(in TJob, int)"/>, for a job that uses matrix tiles: tasks run only on threads that are fit for them, which
    /// are the team's own, and the caller's where it is a <see cref="TileThread"/>. Another caller only waits.
    /// </summary>
    /// <exception cref="InvalidOperationException">Called from inside a task of this team.</exception>
    /// <exception cref="ObjectDisposedException">The team has been disposed.</exception>
    public void RunOnTileThreads<TJob>(in TJob job, int tasks)
        where TJob : struct, IJob, allows ref struct => Run(job, tasks, onTileThreads: true);

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
            Announce(tasks: 0, callStandIn: true);
            foreach (var worker in _workers)
                worker.Join();
            _standIn?.Join();
            foreach (var buffer in _scratch)
                buffer?.Dispose();
            _wordsMemory.Dispose();
        }
    }

    private void Run<TJob>(in TJob job, int tasks, bool onTileThreads)
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
                var callerWorks = !onTileThreads || SignalStack.IsInstalled;
                if (callerWorks && (tasks <= 1 || _workers.Length == 0))
                    RunAlone(job, tasks);
                else if (tasks > 0)
                    Share(job, tasks, onTileThreads, callerWorks);
            }
            finally
            {
                _teamOfThisThread = outer;
            }
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

    private void Share<TJob>(in TJob job, int tasks, bool onTileThreads, bool callerWorks)
        where TJob : struct, IJob, allows ref struct
    {
        if (!callerWorks)
            _standIn ??= Start(0, StandIn);
        // The copy lives in this frame, which outlives every use of the pointer, and the collector keeps what it refers to.
        var copy = job;
        _job = Unsafe.AsPointer(ref copy);
        _execute = &Execute<TJob>;
        _tasks = tasks;
        _needsTileThreads = onTileThreads;
        _failure = null;
        Volatile.Write(ref _words->Unfinished, tasks);
        Announce(tasks, callStandIn: !callerWorks);
        if (callerWorks)
            TakeTasks(worker: 0, _call);
        WaitUntilFinished(callerWorks ? _spins : _spinsBesideWorkers);
        _job = null;
        var failure = _failure;
        _failure = null;
        failure?.Throw();
    }

    private static void Execute<TJob>(void* job, int task, int worker)
        where TJob : struct, IJob, allows ref struct => Unsafe.AsRef<TJob>(job).Execute(task, worker);

    private void Announce(int tasks, bool callStandIn)
    {
        _call++;
        Interlocked.Exchange(ref _words->Ticket, ((long)_call << 32) | (uint)tasks);
        // One wake-up is enough until a worker parks again: on a busy machine it takes some calls until those woken run.
        if (Volatile.Read(ref _words->WorkersMayBeParked) != 0 && Interlocked.Exchange(ref _words->WorkersMayBeParked, 0) != 0)
            Futex.Wake(&_words->Call, _workers.Length);
        if (!callStandIn)
            return;
        Volatile.Write(ref _words->StandInCall, (int)_call);
        Futex.Wake(&_words->StandInCall, 1);
    }

    private Thread Start(int worker, ThreadStart work)
    {
        var thread = new Thread(work) { IsBackground = true, Name = $"{_name}-{worker}" };
        thread.UnsafeStart();
        return thread;
    }

    private void Work(int worker)
    {
        _teamOfThisThread = this;
        if (_processors is not null)
            ThreadPinning.TryPin(_processors[worker]);
        for (var call = WaitForCallAfter(0); !_stopping; call = WaitForCallAfter(call))
            TakeTasks(worker, call);
        SignalStack.Remove();
    }

    /// <summary>Works in the caller's place, with its number, in jobs that the caller's thread is not fit for.</summary>
    private void StandIn()
    {
        _teamOfThisThread = this;
        for (var call = 0; !_stopping;)
        {
            // No spinning: unlike its colleagues, it has nothing to do in most calls.
            Futex.Wait(&_words->StandInCall, call);
            call = Volatile.Read(ref _words->StandInCall);
            TakeTasks(worker: 0, (uint)call);
        }
        SignalStack.Remove();
    }

    private void TakeTasks(int worker, uint call)
    {
        while (true)
        {
            var ticket = Volatile.Read(ref _words->Ticket);
            var left = (uint)ticket;
            if (left == 0 || (uint)(ticket >> 32) != call)
                return;
            if (Interlocked.CompareExchange(ref _words->Ticket, ticket - 1, ticket) != ticket)
                continue;
            try
            {
                if (_needsTileThreads)
                    SignalStack.Install();
                if (_failure is null)
                    _execute(_job, _tasks - (int)left, worker);
            }
            catch (Exception exception)
            {
                var failure = ExceptionDispatchInfo.Capture(exception);
                lock (_failing)
                    _failure ??= failure;
            }
            if (Interlocked.Decrement(ref _words->Unfinished) == 0 && Volatile.Read(ref _words->CallerIsParked) != 0)
                Futex.Wake(&_words->Unfinished, 1);
        }
    }

    private uint Call() => (uint)Volatile.Read(ref _words->Call);

    private uint WaitForCallAfter(uint lastCall)
    {
        for (var spin = 0; spin < _spins; spin++)
        {
            if (Call() != lastCall)
                return Call();
            Thread.SpinWait(1);
        }
        // The fence of this exchange and that of Announce's order both sides: either the system finds the new call in the word and does not
        // park this thread, or Announce sees that it may be parked.
        while (Call() == lastCall)
        {
            Interlocked.Exchange(ref _words->WorkersMayBeParked, 1);
            Futex.Wait(&_words->Call, (int)lastCall);
        }
        return Call();
    }

    private void WaitUntilFinished(int spins)
    {
        for (var spin = 0; spin < spins; spin++)
        {
            if (Volatile.Read(ref _words->Unfinished) == 0)
                return;
            Thread.SpinWait(1);
        }
        Interlocked.Exchange(ref _words->CallerIsParked, 1);
        for (var left = Volatile.Read(ref _words->Unfinished); left != 0; left = Volatile.Read(ref _words->Unfinished))
            Futex.Wait(&_words->Unfinished, left);
        Volatile.Write(ref _words->CallerIsParked, 0);
    }
}
