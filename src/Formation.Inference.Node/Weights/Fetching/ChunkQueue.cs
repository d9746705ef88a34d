using Formation.Inference.Cluster.Weights;

namespace Formation.Inference.Node.Weights.Fetching;

/// <summary>
/// Hands the chunks of one fetch to those who read from sources, each chunk to one at a time. One that a source failed on goes to another source where there is one.
/// Safe to use from any thread.
/// </summary>
sealed class ChunkQueue
{
    private enum State : byte
    {
        Open,
        Taken,
        Done,
    }

    private readonly Lock _lock = new();
    private readonly IReadOnlyList<int> _chunks;
    private readonly IReadOnlyList<SourceInUse> _sources;
    private readonly State[] _states;
    private readonly List<(int Index, SourceInUse By)> _returned = [];
    private readonly Dictionary<int, int> _indexOf;
    private TaskCompletionSource _changed = NewSignal();
    private int _open;
    private int _readers;
    private int _waiting;
    private bool _isStuck;

    /// <param name="chunks">What is to be fetched, each once.</param>
    /// <param name="sources">From where.</param>
    /// <param name="readers">How many will take chunks.</param>
    public ChunkQueue(IReadOnlyList<int> chunks, IReadOnlyList<SourceInUse> sources, int readers)
    {
        _chunks = chunks;
        _sources = sources;
        _readers = readers;
        _open = chunks.Count;
        _states = new State[chunks.Count];
        foreach (var source in sources)
            source.Cursor = 0;
        _indexOf = chunks.Index().ToDictionary(entry => entry.Item, entry => entry.Index);
    }

    /// <summary>Chunks that are not done.</summary>
    public int Left
    {
        get
        {
            lock (_lock)
                return _open;
        }
    }

    /// <summary>Takes the next chunk that a source can give, or waits until there may be one.</summary>
    /// <returns>Null where nothing more is to be had from this source; the reader is done then, and takes no further one.</returns>
    public async ValueTask<int?> TakeAsync(SourceInUse source, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (_open == 0 || _isStuck || source.LeftOut is not null)
                    return Leave();
                if (Next(source) is { } index)
                {
                    _states[index] = State.Taken;
                    return _chunks[index];
                }
                // Where everybody waits, nobody will give a chunk back: what is left is to be had from no source.
                if (_waiting + 1 == _readers)
                {
                    _isStuck = true;
                    return Leave();
                }
                _waiting++;
                changed = _changed.Task;
            }
            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>A source has said what it has.</summary>
    public void Answered(SourceInUse source, ChunkSet held)
    {
        lock (_lock)
            source.Held = held;
    }

    /// <summary>A chunk is here.</summary>
    /// <returns>Whether it was the last one.</returns>
    public bool Done(int chunk, SourceInUse by)
    {
        lock (_lock)
        {
            by.Failures = 0;
            _states[_indexOf[chunk]] = State.Done;
            if (--_open > 0)
                return false;
            Signal();
            return true;
        }
    }

    /// <summary>A source failed on a chunk.</summary>
    /// <param name="judge">What that means for the source; runs under the lock.</param>
    public void GiveBack(int chunk, SourceInUse by, Action<SourceInUse> judge)
    {
        lock (_lock)
        {
            judge(by);
            var index = _indexOf[chunk];
            _states[index] = State.Open;
            _returned.Add((index, by));
            Signal();
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private int? Next(SourceInUse source)
    {
        for (var i = 0; i < _returned.Count; i++)
        {
            var (index, by) = _returned[i];
            var chunk = _chunks[index];
            if (!source.Offers(chunk) || (by == source && HasOther(source, chunk)))
                continue;
            _returned.RemoveAt(i);
            return index;
        }
        for (; source.Cursor < _chunks.Count; source.Cursor++)
            if (_states[source.Cursor] == State.Open && source.Offers(_chunks[source.Cursor]) && !IsReturned(source.Cursor))
                return source.Cursor++;
        return null;
    }

    private bool IsReturned(int index) => _returned.Exists(entry => entry.Index == index);

    private bool HasOther(SourceInUse source, int chunk) =>
        _sources.Any(other => other != source && other.Offers(chunk));

    private int? Leave()
    {
        _readers--;
        Signal();
        return null;
    }

    // Who is woken waits no more, even where its turn has not come yet.
    private void Signal()
    {
        _waiting = 0;
        _changed.TrySetResult();
        _changed = NewSignal();
    }
}
