using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Testing.Fakes;

/// <summary>
/// The one stage of an invented model. Its "KV memory" keeps the token of each position; a row's output is a hash of its whole history, read
/// back through the block table. A block that was lost, overwritten or shared by mistake therefore changes the tokens.
/// </summary>
public sealed class InventedStage(int blockCount, int blockSize = InventedStage.DefaultBlockSize) : IModelStage
{
    public const int DefaultBlockSize = 16;

    readonly int[] _memory = Enumerable.Repeat(-1, blockCount * blockSize).ToArray();
    int _rows;
    int _calls;

    public LayerRange Layers => new(0, 1);

    /// <summary>Called before each forward call; may wait or throw.</summary>
    public Action<Batch, CancellationToken> BeforeForward { get; set; } = static (_, _) => { };

    /// <summary>Rows computed so far.</summary>
    public int ComputedRows => Volatile.Read(ref _rows);

    /// <summary>Forward calls so far.</summary>
    public int Calls => Volatile.Read(ref _calls);

    public bool IsDisposed { get; private set; }

    public ValueTask ForwardAsync(Batch batch, Activations activations, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        BeforeForward(batch, cancellationToken);
        foreach (var slice in batch.Slices)
            for (var i = 0; i < slice.RowCount; i++)
                _memory[Slot(slice, slice.FirstPosition + i)] = InventedHead.ReadToken(activations.Row(slice.FirstRow + i));
        foreach (var slice in batch.Slices)
            for (var i = 0; i < slice.RowCount; i++)
                InventedHead.WriteHash(HashOf(slice, slice.FirstPosition + i), activations.Row(slice.FirstRow + i));
        Interlocked.Add(ref _rows, batch.RowCount);
        Interlocked.Increment(ref _calls);
        return ValueTask.CompletedTask;
    }

    public void Dispose() => IsDisposed = true;

    ulong HashOf(BatchSlice slice, int lastPosition)
    {
        var hash = InventedHead.EmptyHash;
        for (var position = 0; position <= lastPosition; position++)
            hash = InventedHead.Extend(hash, _memory[Slot(slice, position)]);
        return hash;
    }

    int Slot(BatchSlice slice, int position) => slice.BlockTable.Span[position / blockSize] * blockSize + position % blockSize;
}
