using Formation.Inference.Engine.KvCache;
using Formation.Inference.Engine.Sampling;
using Formation.Inference.Engine.Sequences;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Engine.Speculation.DraftModels;

/// <summary>
/// Guesses with a small model. It has KV blocks and a prefix cache of its own, catches up with what the sequences got meanwhile (a long prompt
/// in several turns, without a guess until it is through), and then guesses token after token for all of them together.
/// </summary>
/// <param name="model">The small model.</param>
/// <param name="vocabularySize">Logits of a row of the model whose tokens are guessed.</param>
/// <param name="hasher">Makes the keys of the engine's prefix cache; the keys name the same tokens here, and other blocks.</param>
/// <param name="maxTargets">Sequences at once; more are left without a guess.</param>
internal sealed class ModelDrafter(DraftModel model, int vocabularySize, PrefixHasher hasher, int maxTargets) : IDrafter
{
    // So many rows of catching up are a prompt, with its kernels; fewer are a draft of which some tokens were wrong.
    const int FewestPrefillRows = 16;

    // The logit of a token that only the larger model has: finite, and never drawn.
    const float Impossible = -1e30f;

    readonly BlockPool _pool = new(model.BlockCount);
    readonly Sampler _sampler = new(Math.Max(vocabularySize, model.Pipeline.VocabularySize), endOfGeneration: []);
    readonly float[] _row = new float[Math.Max(vocabularySize, model.Pipeline.VocabularySize)];
    readonly Dictionary<Sequence, DraftHistory> _histories = [];
    readonly List<Turn> _turns = [];
    readonly List<BatchSlice> _slices = [];
    readonly int[] _tokens = new int[model.Pipeline.MaxRows];
    readonly int[] _lastRows = new int[maxTargets];
    readonly float[] _logits = new float[checked(maxTargets * model.Pipeline.VocabularySize)];
    long _step;

    /// <summary>What the next pass computes of one sequence.</summary>
    /// <param name="Target">Whose tokens are guessed; its limit is one that blocks and context have room for.</param>
    /// <param name="History">What is computed.</param>
    /// <param name="Rows">Positions of the pass; 0 where the draft is complete.</param>
    readonly record struct Turn(DraftTarget Target, DraftHistory History, int Rows)
    {
        /// <summary>Row of the last position of the pass that was computed.</summary>
        public int LastRow { get; init; }

        public bool HasCaughtUp => History.ComputedLength >= Target.Sequence.Length;
    }

    public string Name => "draft_model";

    public void Draft(IReadOnlyList<DraftTarget> targets)
    {
        FindTurns(targets);
        Forward();
        _turns.RemoveAll(static turn => !turn.HasCaughtUp);
        while (_turns.Count > 0)
        {
            Guess();
            _turns.RemoveAll(static turn => turn.Rows == 0);
            Forward();
        }
    }

    public void Release()
    {
        // What a preempted sequence had stays findable until its blocks are needed.
        foreach (var (sequence, history) in _histories)
            if (sequence.State != SequenceState.Running)
            {
                history.Blocks.ReleaseTo(_pool);
                _histories.Remove(sequence);
            }
    }

    /// <summary>Audits the blocks.</summary>
    /// <exception cref="InvalidOperationException">Something does not add up; the message says what.</exception>
    internal void CheckIntegrity() => _pool.CheckIntegrity(_histories.Values.Select(history => history.Blocks));

    /// <summary>KV blocks that histories hold.</summary>
    internal int HeldBlocks => _pool.HeldCount;

    void FindTurns(IReadOnlyList<DraftTarget> targets)
    {
        _turns.Clear();
        var budget = model.Pipeline.MaxRows;
        foreach (var target in targets)
        {
            var sequence = target.Sequence;

            // The last token of a draft is not computed, so it needs no place.
            var limit = Math.Min(target.Limit, model.ContextLength - sequence.Length + 1);
            if (_turns.Count == maxTargets || limit < 1 || budget == 0)
                continue;
            if (!_histories.TryGetValue(sequence, out var history))
                _histories.Add(sequence, history = DraftHistory.Open(sequence, _pool, hasher));
            history.Follow(sequence);
            var rows = Math.Min(sequence.Length - history.ComputedLength, budget);
            if (!IsKnown(sequence, history.ComputedLength, rows) || !history.TryHold(sequence.Length + limit - 1, _pool, hasher.BlockSize))
                continue;
            _turns.Add(new Turn(target with { Limit = limit }, history, rows));
            budget -= rows;
        }
    }

    // A padded vocabulary has ids that the other model's embedding may lack.
    bool IsKnown(Sequence sequence, int first, int count)
    {
        for (var position = first; position < first + count; position++)
            if (sequence[position] >= model.Pipeline.VocabularySize)
                return false;
        return true;
    }

    /// <summary>Computes the rows of all turns.</summary>
    void Forward()
    {
        if (_turns.Count == 0)
            return;
        _slices.Clear();
        var row = 0;
        for (var i = 0; i < _turns.Count; i++)
        {
            var (target, history, rows) = _turns[i];
            var kind = rows < FewestPrefillRows ? SliceKind.Decode : SliceKind.Prefill;
            target.Sequence.CopyTokens(history.ComputedLength, _tokens.AsSpan(row, rows));
            _slices.Add(new BatchSlice(target.Sequence.Id, kind, row, rows, history.ComputedLength, history.Blocks.Memory));
            row += rows;
            _turns[i] = _turns[i] with { LastRow = row - 1 };
        }

        // The draft model's stages are local, so the call has completed when it returns.
        var batch = new Batch(_step++, [.. _slices]);
        model.Pipeline.ForwardAsync(batch, _tokens.AsMemory(0, row), CancellationToken.None).GetAwaiter().GetResult();
        foreach (var (target, history, rows) in _turns)
            history.Advance(target.Sequence, rows, _pool, hasher);
    }

    /// <summary>Adds one token to the draft of each turn's sequence; its next turn has no row where that was the last.</summary>
    void Guess()
    {
        var vocabulary = model.Pipeline.VocabularySize;
        var count = _turns.Count;
        for (var i = 0; i < count; i++)
            _lastRows[i] = _turns[i].LastRow;
        model.Pipeline.Logits(_lastRows.AsSpan(0, count), _logits.AsSpan(0, count * vocabulary));
        for (var i = 0; i < count; i++)
        {
            var (sequence, state, limit) = _turns[i].Target;
            var draft = sequence.Draft;
            _logits.AsSpan(i * vocabulary, vocabulary).CopyTo(_row);
            _row.AsSpan(vocabulary).Fill(Impossible);
            var guess = _sampler.Guess(_row, state, draft.Count);
            if (guess is { } token)
                draft.Add(token);
            _turns[i] = _turns[i] with { Rows = guess is null || draft.Count == limit ? 0 : 1 };
        }
    }
}
