using Formation.Inference.Engine.KvCache;
using Formation.Inference.Engine.Sequences;

namespace Formation.Inference.Engine.Speculation.DraftModels;

/// <summary>
/// What a draft model has computed of one sequence: leading positions of its history and, behind them, of its own guesses. Guesses that were
/// wrong are computed anew in the same place.
/// </summary>
internal sealed class DraftHistory
{
    readonly List<int> _guesses = [];
    int _guessedFrom = int.MaxValue;
    int _publishedBlocks;

    public BlockTable Blocks { get; } = new();

    /// <summary>Leading positions whose keys and values are in the blocks.</summary>
    public int ComputedLength { get; private set; }

    /// <summary>Takes hold of the blocks that were computed for another sequence with the same beginning.</summary>
    public static DraftHistory Open(Sequence sequence, BlockPool pool, PrefixHasher hasher)
    {
        var history = new DraftHistory();
        while ((history.Blocks.Count + 1) * hasher.BlockSize < sequence.Length
               && pool.TryFind(sequence.KeyOf(history.Blocks.Count, hasher), out var block))
        {
            pool.AddReference(block);
            history.Blocks.Add(block);
        }

        history._publishedBlocks = history.Blocks.Count;
        history.ComputedLength = history.Blocks.Count * hasher.BlockSize;
        return history;
    }

    /// <summary>Forgets the guesses that the sequence did not take. Its newest token is always computed, for its logits.</summary>
    public void Follow(Sequence sequence)
    {
        var right = Math.Min(ComputedLength, _guessedFrom);
        while (right < ComputedLength && right < sequence.Length && _guesses[right - _guessedFrom] == sequence[right])
            right++;
        ComputedLength = Math.Min(right, sequence.Length - 1);
    }

    /// <summary>Takes the blocks for a number of positions.</summary>
    /// <returns>False where there are not enough.</returns>
    public bool TryHold(int positions, BlockPool pool, int blockSize)
    {
        while (Blocks.Count * blockSize < positions)
        {
            if (pool.FreeCount == 0)
                return false;
            Blocks.Add(pool.Allocate());
        }

        return true;
    }

    /// <summary>
    /// Notes that positions were computed, those behind the history from the sequence's draft. Blocks that are full of history can be found.
    /// </summary>
    public void Advance(Sequence sequence, int count, BlockPool pool, PrefixHasher hasher)
    {
        ComputedLength += count;
        _guessedFrom = sequence.Length;
        _guesses.Clear();
        for (var position = sequence.Length; position < ComputedLength; position++)
            _guesses.Add(sequence[position]);
        for (; _publishedBlocks < Math.Min(ComputedLength, sequence.Length) / hasher.BlockSize; _publishedBlocks++)
            pool.Publish(Blocks[_publishedBlocks], sequence.KeyOf(_publishedBlocks, hasher));
    }
}
