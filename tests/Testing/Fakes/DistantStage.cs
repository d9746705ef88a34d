using System.Threading.Channels;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Testing.Fakes;

/// <summary>
/// An invented stage on an invented machine far away: it works on its batches in their order, on a task of its own, and several may be on
/// their way. It can be lost, with all that it stored; a replacement knows only what it is told to rebuild.
/// </summary>
public sealed class DistantStage : IModelStage
{
    readonly Channel<Work> _way = Channel.CreateUnbounded<Work>(new UnboundedChannelOptions { SingleReader = true });
    readonly int[] _boundary;
    readonly int _blockSize;
    readonly Lock _lock = new();
    Action _lost = static () => { };
    InventedStage _machine;
    bool _isLost;
    int _onTheWay;

    public DistantStage(int blockCount, int depth, int blockSize = InventedStage.DefaultBlockSize)
    {
        (Depth, _blockSize) = (depth, blockSize);
        _boundary = new int[blockCount * blockSize];
        NewMachine = () => new InventedStage(blockCount, blockSize);
        _machine = NewMachine();
        _ = Task.Run(WorkAsync);
    }

    public LayerRange Layers => new(0, 1);

    public int Depth { get; }

    /// <summary>Called before each batch is computed; may wait or throw.</summary>
    public Func<Batch, Task> BeforeForward { get; set; } = static _ => Task.CompletedTask;

    /// <summary>Called by each attempt to recover; throws where there is no replacement.</summary>
    public Func<CancellationToken, Task> FindReplacement { get; set; } = static _ => Task.CompletedTask;

    /// <summary>Whether a loss is seen before a batch meets it. Default: no.</summary>
    public bool SeesLosses { get; init; }

    /// <summary>Most batches that were on their way at once.</summary>
    public int MostAtOnce { get; private set; }

    /// <summary>Rows computed for batches, by whatever machine.</summary>
    public int ComputedRows { get; private set; }

    /// <summary>Rows computed again by replacements.</summary>
    public int RebuiltRows { get; private set; }

    /// <summary>How often it was replaced.</summary>
    public int Recoveries { get; private set; }

    StageLostException Invented => new(Layers, "invented loss");

    Func<InventedStage> NewMachine { get; }

    /// <summary>Ends the machine: what is on its way fails, and everything after it until it is replaced.</summary>
    public void Lose()
    {
        lock (_lock)
            _isLost = true;
        if (SeesLosses)
            _lost();
    }

    public StageLostException? Loss
    {
        get
        {
            lock (_lock)
                return _isLost && SeesLosses ? Invented : null;
        }
    }

    public void WatchLosses(Action lost) => _lost = lost;

    public async ValueTask ForwardAsync(Batch batch, Activations activations, CancellationToken cancellationToken)
    {
        ThrowIfLost();
        foreach (var slice in batch.Slices)
            for (var i = 0; i < slice.RowCount; i++)
                _boundary[Slot(slice.BlockTable, slice.FirstPosition + i)] = InventedHead.ReadToken(activations.Row(slice.FirstRow + i));
        MostAtOnce = Math.Max(MostAtOnce, Interlocked.Increment(ref _onTheWay));
        try
        {
            // A table is valid during the step only, and this stage looks at it when another may have begun.
            var copy = batch with { Slices = [.. batch.Slices.Select(slice => slice with { BlockTable = slice.BlockTable.ToArray() })] };
            var work = new Work(copy, activations, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            _way.Writer.TryWrite(work);
            await work.Done.Task.WaitAsync(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _onTheWay);
        }
    }

    public async ValueTask RecoverAsync(IReadOnlyList<StoredSequence> sequences, CancellationToken cancellationToken)
    {
        await FindReplacement(cancellationToken);
        var replacement = NewMachine();
        foreach (var sequence in sequences)
        {
            var activations = new Activations(sequence.Length, 4);
            activations.SetRows(sequence.Length);
            for (var position = 0; position < sequence.Length; position++)
                InventedHead.WriteToken(_boundary[Slot(sequence.BlockTable, position)], activations.Row(position));
            var slice = new BatchSlice(sequence.SequenceId, SliceKind.Prefill, 0, sequence.Length, 0, sequence.BlockTable);
            await replacement.ForwardAsync(new Batch(0, [slice]), activations, cancellationToken);
            RebuiltRows += sequence.Length;
        }

        lock (_lock)
            (_machine, _isLost) = (replacement, false);
        Recoveries++;
    }

    public void Dispose() => _way.Writer.TryComplete();

    async Task WorkAsync()
    {
        await foreach (var (batch, activations, done) in _way.Reader.ReadAllAsync())
            try
            {
                await BeforeForward(batch);
                ThrowIfLost();
                await _machine.ForwardAsync(batch, activations, CancellationToken.None);
                ComputedRows += batch.RowCount;
                done.SetResult();
            }
            catch (Exception fault)
            {
                done.SetException(fault);
            }
    }

    void ThrowIfLost()
    {
        lock (_lock)
            if (_isLost)
                throw Invented;
    }

    int Slot(ReadOnlyMemory<int> blocks, int position) => blocks.Span[position / _blockSize] * _blockSize + position % _blockSize;

    readonly record struct Work(Batch Batch, Activations Activations, TaskCompletionSource Done);
}
