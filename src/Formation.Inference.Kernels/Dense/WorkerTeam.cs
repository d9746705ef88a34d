using System.Runtime.ExceptionServices;

namespace Formation.Inference.Kernels.Dense;

/// <summary>
/// Dedicated threads that share the items of one job at a time. Which thread takes an item is left to chance; a job whose items write to
/// separate places therefore gives the same result with any number of threads.
/// </summary>
public sealed class WorkerTeam : IDisposable
{
    private readonly Thread[] _threads;
    private readonly SemaphoreSlim[] _wake;
    private readonly ManualResetEventSlim _done = new(false, spinCount: 2_000);
    private Action<int, int>? _job;
    private ExceptionDispatchInfo? _failure;
    private int _items;
    private int _next;
    private int _running;
    private bool _disposed;

    /// <param name="threads">Threads that work, the caller's among them; at least 1.</param>
    public WorkerTeam(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Size = threads;
        _threads = new Thread[threads - 1];
        _wake = new SemaphoreSlim[threads - 1];
        for (var i = 0; i < _threads.Length; i++)
        {
            var worker = i + 1;
            _wake[i] = new SemaphoreSlim(0);
            _threads[i] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"worker-{worker}" };
            _threads[i].Start();
        }
    }

    /// <summary>Threads that work, the caller's among them.</summary>
    public int Size { get; }

    /// <summary>Calls <paramref name="job"/> once for each item, on all threads, and returns when all are done.</summary>
    /// <param name="items">How many items.</param>
    /// <param name="job">Gets the item's index and the worker's (0 to <see cref="Size"/> - 1, for its scratch memory).</param>
    /// <remarks>One caller at a time. The first exception of an item is thrown here, after every thread has stopped.</remarks>
    public void Run(int items, Action<int, int> job)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_threads.Length == 0 || items <= 1)
        {
            for (var item = 0; item < items; item++)
                job(item, 0);
            return;
        }

        _job = job;
        _items = items;
        _next = 0;
        _failure = null;
        _running = _threads.Length;
        _done.Reset();
        foreach (var wake in _wake)
            wake.Release();
        TakeItems(0);
        _done.Wait();
        _job = null;
        _failure?.Throw();
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        foreach (var wake in _wake)
            wake.Release();
        for (var i = 0; i < _threads.Length; i++)
        {
            _threads[i].Join();
            _wake[i].Dispose();
        }
        _done.Dispose();
    }

    private void Work(int worker)
    {
        while (true)
        {
            _wake[worker - 1].Wait();
            if (_disposed)
                return;
            TakeItems(worker);
            if (Interlocked.Decrement(ref _running) == 0)
                _done.Set();
        }
    }

    private void TakeItems(int worker)
    {
        try
        {
            for (var item = Interlocked.Increment(ref _next) - 1; item < _items; item = Interlocked.Increment(ref _next) - 1)
                _job!(item, worker);
        }
        catch (Exception exception)
        {
            Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(exception), null);
            Interlocked.Exchange(ref _next, _items);
        }
    }
}
