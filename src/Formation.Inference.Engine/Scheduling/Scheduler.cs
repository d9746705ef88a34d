using Formation.Inference.Engine.KvCache;
using Formation.Inference.Engine.Sequences;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Engine.Scheduling;

/// <summary>
/// Decides what each step computes (request path, step 6). Decodes come first; what is left of the budget goes to prompts, in chunks, the
/// least served account first and first come first served within it. When blocks run out, a sequence gives up all of its blocks and is
/// computed again later. Where stages work side by side, several steps are in flight, each with sequences of its own. Decisions only: no
/// maths, no I/O, no threads, no clock. See docs/adr/0006-scheduling.md.
/// </summary>
internal sealed class Scheduler
{
    // The weights of the paper: a generated token costs about twice a prompt token.
    const int PrefillCharge = 1, DecodeCharge = 2;

    readonly SchedulerOptions _options;
    readonly BlockPool _pool;
    readonly PrefixHasher _hasher;
    readonly FairShares _shares = new();
    readonly List<Sequence> _running = [];
    readonly List<Sequence> _decoding = [];
    readonly HashSet<Sequence> _passed = [];

    public Scheduler(SchedulerOptions options, BlockPool pool, PrefixHasher hasher)
    {
        options.Validate();
        (_options, _pool, _hasher) = (options, pool, hasher);
    }

    /// <summary>Sequences that hold blocks, oldest first.</summary>
    public IReadOnlyList<Sequence> Running => _running;

    /// <summary>Sequences that hold none.</summary>
    public int WaitingCount { get; private set; }

    /// <summary>How often a sequence had to give up its blocks.</summary>
    public long Preemptions { get; private set; }

    /// <summary>Prompt tokens looked up in the prefix cache.</summary>
    public long PrefixQueries { get; private set; }

    /// <summary>Prompt tokens found there.</summary>
    public long PrefixHits { get; private set; }

    /// <summary>Rows that the last scheduled step has left for drafts: what prompts did not take of their budget beside decodes.</summary>
    public int SpareRows { get; private set; }

    /// <summary>Takes a request's sequences. The others of a group become ready when the first has computed the prompt.</summary>
    public void Add(SequenceGroup group)
    {
        foreach (var sequence in group.Sequences)
        {
            if (sequence.State == SequenceState.Finished)
                continue;
            _shares.Join(sequence);
            WaitingCount++;
        }

        _shares[group.Leader].Ready.Add(group.Leader);
    }

    /// <summary>
    /// Drops a sequence in whatever state it is, and frees its blocks. A step in flight may still write to them: stages take steps in their
    /// order, so whoever gets the blocks next writes later.
    /// </summary>
    public void Remove(Sequence sequence)
    {
        if (sequence.State == SequenceState.Finished)
            return;
        if (sequence.State == SequenceState.Waiting)
            WaitingCount--;
        _running.Remove(sequence);
        sequence.Blocks.ReleaseTo(_pool);
        sequence.State = SequenceState.Finished;
        _shares.Leave(sequence);
    }

    /// <summary>Chooses the next step's work among the sequences that are not in flight, which they are from here on.</summary>
    /// <param name="slices">Gets the work, and nothing when there is none to do now.</param>
    /// <param name="stepsInFlight">Steps that are computed side by side: each gets its share of the sequences that decode.</param>
    public void Schedule(List<ScheduledSlice> slices, int stepsInFlight = 1)
    {
        slices.Clear();
        _passed.Clear();
        TakeBackDraftBlocks();
        ScheduleDecodes(slices, stepsInFlight);
        SpareRows = SchedulePrefills(slices, slices.Count == 0
            ? _options.MaxPrefillTokens
            : Math.Min(_options.MaxPrefillTokens, _options.MaxPrefillTokensBesideDecode));
    }

    /// <summary>
    /// Adds the drafts of decoding sequences to their slices of the step. What has no row or no block left is dropped: a draft never takes
    /// anything from anyone. The account pays for each row, because it takes the machine's time also where the guess is wrong.
    /// </summary>
    public void AddDrafts(List<ScheduledSlice> slices)
    {
        for (var i = 0; i < slices.Count; i++)
        {
            var slice = slices[i];
            var draft = slice.Sequence.Draft;
            if (draft.Count == 0)
                continue;
            var count = slice.Sequence.IsDecoding ? GrowForDraft(slice.Sequence, Math.Min(draft.Count, SpareRows)) : 0;
            draft.RemoveRange(count, draft.Count - count);
            slices[i] = slice with { Count = slice.Count + count };
            _shares[slice.Sequence].Served += (long)count * DecodeCharge;
            SpareRows -= count;
        }
    }

    /// <summary>Notes that a step was computed: its positions count as stored, and full blocks can be found by other prompts.</summary>
    public void Complete(IReadOnlyList<ScheduledSlice> slices)
    {
        foreach (var slice in slices)
        {
            var sequence = slice.Sequence;
            sequence.LeaveStep();
            sequence.Draft.Clear();
            if (sequence.State == SequenceState.Finished)
                continue;
            sequence.ComputedLength = Math.Min(slice.End, sequence.Length);
            PublishFullBlocks(sequence);
            if (sequence.ComputedLength >= sequence.Length)
                _shares[sequence].Ready.Remove(sequence);
            if (sequence.ComputedLength >= sequence.PromptLength && !sequence.Group.IsPromptComputed)
                ReleaseSiblings(sequence.Group);
        }
    }

    /// <summary>
    /// Takes a step back that was not computed, as all steps behind it: its sequences stand where they stood before it.
    /// </summary>
    public void Abandon(IReadOnlyList<ScheduledSlice> slices)
    {
        foreach (var slice in slices)
        {
            slice.Sequence.LeaveStep();
            slice.Sequence.Draft.Clear();
        }
    }

    /// <summary>What stages hold for the sequences that run, by value.</summary>
    public List<StoredSequence> Stored() =>
        [.. _running.Where(sequence => sequence.ComputedLength > 0).Select(sequence => new StoredSequence(
            sequence.Id, sequence.PromptLength, sequence.ComputedLength, sequence.Blocks.Span.ToArray()))];

    /// <summary>Forgets the prefixes that no running sequence holds: a stage was lost, and their keys and values with it.</summary>
    public void ForgetUnheldPrefixes() => _pool.ForgetCached();

    /// <summary>Notes that the sequence's newest token is one that the completed step computed as a draft.</summary>
    public void AcceptDraft(Sequence sequence)
    {
        sequence.ComputedLength++;
        sequence.ChargedLength = Math.Max(sequence.ChargedLength, sequence.ComputedLength);
        PublishFullBlocks(sequence);
    }

    /// <summary>Audits blocks, tables and lists.</summary>
    /// <exception cref="InvalidOperationException">Something does not add up; the message says what.</exception>
    public void CheckIntegrity()
    {
        _pool.CheckIntegrity(_running.Select(sequence => sequence.Blocks));
        var all = _shares.Active.SelectMany(share => share.Sequences).ToList();
        Require(all.Count == _running.Count + WaitingCount, "a sequence is neither running nor waiting");
        foreach (var sequence in all)
        {
            var capacity = sequence.Blocks.Count * _hasher.BlockSize;
            Require(_running.Contains(sequence) == (sequence.State == SequenceState.Running), $"sequence {sequence.Id} is listed wrongly");
            Require(sequence.State == SequenceState.Running || capacity == 0, $"sequence {sequence.Id} waits and holds blocks");
            Require(sequence.ComputedLength <= Math.Min(capacity, sequence.Length), $"sequence {sequence.Id} holds too few blocks");
        }
    }

    void ScheduleDecodes(List<ScheduledSlice> slices, int stepsInFlight)
    {
        // No step takes more than its share, else the steps beside it would find nothing to do and their stages would wait.
        var share = (_running.Count(sequence => sequence.IsDecoding) + stepsInFlight - 1) / stepsInFlight;
        _decoding.Clear();
        foreach (var sequence in _running)
            if (sequence.IsDecoding && sequence.StepsInFlight == 0 && _decoding.Count < share)
                _decoding.Add(sequence);
        foreach (var sequence in _decoding)
            if (sequence.State == SequenceState.Running)
                Grow(sequence);

        // Only now is it certain who still runs: growing may have taken blocks from any sequence that is not in flight.
        foreach (var sequence in _decoding)
            if (sequence.State == SequenceState.Running && sequence.Length <= sequence.Blocks.Count * _hasher.BlockSize)
                AddSlice(slices, sequence, SliceKind.Decode, 1);
    }

    /// <summary>Gives prompts, and histories to be rebuilt, their chunks.</summary>
    /// <returns>What is left of the budget.</returns>
    int SchedulePrefills(List<ScheduledSlice> slices, int budget)
    {
        while (budget > 0 && NextInLine() is { } sequence)
        {
            if (sequence.State == SequenceState.Waiting && !TryAdmit(sequence))
            {
                // Nobody overtakes the one whose turn it is, else small requests could keep a big one out for ever.
                _passed.UnionWith(_shares.Active.SelectMany(share => share.Ready).Where(other => other.State == SequenceState.Waiting));
                continue;
            }

            var first = sequence.ScheduledLength;
            var isPrompt = first < sequence.PromptLength;
            var end = isPrompt ? sequence.PromptLength : sequence.Length;
            var count = Math.Min(budget, end - first);
            AddSlice(slices, sequence, isPrompt ? SliceKind.Prefill : SliceKind.Decode, count);
            budget -= count;
        }

        return budget;
    }

    Sequence? NextInLine()
    {
        Sequence? best = null;
        var served = long.MaxValue;
        foreach (var share in _shares.Active)
        {
            var candidate = share.Ready.FirstOrDefault(sequence => sequence.ScheduledLength < sequence.Length && !_passed.Contains(sequence));
            if (candidate is null || share.Served > served || (share.Served == served && candidate.Id > best!.Id))
                continue;
            (best, served) = (candidate, share.Served);
        }

        return best;
    }

    void AddSlice(List<ScheduledSlice> slices, Sequence sequence, SliceKind kind, int count)
    {
        var slice = new ScheduledSlice(sequence, kind, sequence.ScheduledLength, count);
        slices.Add(slice);
        sequence.EnterStep(slice.End);
        _passed.Add(sequence);
        if (slice.End <= sequence.ChargedLength)
            return;
        var tokens = slice.End - Math.Max(slice.FirstPosition, sequence.ChargedLength);
        _shares[sequence].Served += (long)tokens * (kind == SliceKind.Prefill ? PrefillCharge : DecodeCharge);
        sequence.ChargedLength = slice.End;
    }

    bool TryAdmit(Sequence sequence)
    {
        if (_running.Count >= _options.MaxRunningSequences)
            return false;

        var (cached, cachedFree) = FindCachedBlocks(sequence);
        var needed = BlocksFor(sequence.Length) - cached.Count;

        // A block to grow is kept for each running sequence, else a newcomer would soon be thrown out again.
        if (needed + cachedFree + _running.Count > _pool.FreeCount)
            return false;

        foreach (var block in cached)
        {
            _pool.AddReference(block);
            sequence.Blocks.Add(block);
        }

        for (; needed > 0; needed--)
            sequence.Blocks.Add(_pool.Allocate());
        sequence.ComputedLength = cached.Count * _hasher.BlockSize;
        sequence.PublishedBlocks = cached.Count;
        sequence.State = SequenceState.Running;
        WaitingCount--;
        _running.Insert(~_running.BinarySearch(sequence, ByArrival), sequence);
        CountHits(sequence);
        return true;
    }

    /// <summary>The longest cached prefix, and how many of its blocks are free. The last token is always computed, for its logits.</summary>
    (List<int> Blocks, int Free) FindCachedBlocks(Sequence sequence)
    {
        var (blocks, free) = (new List<int>(), 0);
        if (sequence.Group.NeedsAllRows && sequence == sequence.Group.Leader)
            return (blocks, free);
        var reusable = _options.PrefillEqualsDecode ? sequence.Length - 1 : Math.Min(sequence.Length - 1, sequence.PromptLength);
        while ((blocks.Count + 1) * _hasher.BlockSize <= reusable
               && _pool.TryFind(sequence.KeyOf(blocks.Count, _hasher), out var block))
        {
            blocks.Add(block);
            free += _pool.IsFree(block) ? 1 : 0;
        }

        return (blocks, free);
    }

    void CountHits(Sequence sequence)
    {
        var hits = Math.Min(sequence.ComputedLength, sequence.PromptLength);
        PrefixQueries += sequence.PromptLength;
        PrefixHits += hits;
        if (sequence == sequence.Group.Leader)
            sequence.Group.CachedPromptTokens ??= hits;
    }

    void PublishFullBlocks(Sequence sequence)
    {
        var publishable = _options.PrefillEqualsDecode
            ? sequence.ComputedLength
            : Math.Min(sequence.ComputedLength, sequence.PromptLength);
        for (; sequence.PublishedBlocks < publishable / _hasher.BlockSize; sequence.PublishedBlocks++)
            _pool.Publish(sequence.Blocks[sequence.PublishedBlocks], sequence.KeyOf(sequence.PublishedBlocks, _hasher));
    }

    void ReleaseSiblings(SequenceGroup group)
    {
        group.IsPromptComputed = true;
        foreach (var sequence in group.Sequences)
            if (sequence != group.Leader && sequence.State == SequenceState.Waiting)
                _shares[sequence].Ready.Add(sequence);
    }

    /// <summary>
    /// Gives a decoding sequence the block of its newest token, taking blocks from others or, last, giving up its own. Where all that could be
    /// taken is in flight, it gets none yet.
    /// </summary>
    void Grow(Sequence sequence)
    {
        if (sequence.Length <= sequence.Blocks.Count * _hasher.BlockSize)
            return;
        while (_pool.FreeCount == 0 && sequence.State == SequenceState.Running && ChooseVictim() is { } victim)
            Preempt(victim);
        if (sequence.State == SequenceState.Running && _pool.FreeCount > 0)
            sequence.Blocks.Add(_pool.Allocate());
    }

    /// <summary>Gives a draft the blocks that it needs behind the history, as long as there are free ones.</summary>
    /// <returns>How many of its tokens have a place.</returns>
    int GrowForDraft(Sequence sequence, int count)
    {
        while (sequence.Blocks.Count < BlocksFor(sequence.Length + count) && _pool.FreeCount > 0)
            sequence.Blocks.Add(_pool.Allocate());
        return Math.Min(count, sequence.Blocks.Count * _hasher.BlockSize - sequence.Length);
    }

    /// <summary>Takes the blocks that only rejected drafts needed, before anybody else has to go without.</summary>
    void TakeBackDraftBlocks()
    {
        foreach (var sequence in _running)
            if (sequence.StepsInFlight == 0)
                sequence.Blocks.Trim(BlocksFor(sequence.Length), _pool);
    }

    int BlocksFor(int positions) => (positions + _hasher.BlockSize - 1) / _hasher.BlockSize;

    /// <summary>The newest sequence of the account that holds most. The oldest one is spared, so that one always gets to its end.</summary>
    Sequence? ChooseVictim() => _running
        .GroupBy(sequence => sequence.Group.AccountId)
        .OrderByDescending(account => account.Sum(sequence => sequence.Blocks.Count))
        .ThenByDescending(account => account.Max(sequence => sequence.Id))
        .SelectMany(account => account.OrderByDescending(sequence => sequence.Id))
        .FirstOrDefault(sequence => sequence.StepsInFlight == 0 && (sequence != _running[0] || _running.Count == 1));

    void Preempt(Sequence sequence)
    {
        Preemptions++;
        _running.Remove(sequence);
        sequence.Blocks.ReleaseTo(_pool);
        (sequence.ComputedLength, sequence.PublishedBlocks) = (0, 0);
        sequence.State = SequenceState.Waiting;
        WaitingCount++;
        _shares[sequence].Ready.Add(sequence);
    }

    static readonly Comparer<Sequence> ByArrival = Comparer<Sequence>.Create((left, right) => left.Id.CompareTo(right.Id));

    static void Require(bool condition, string violation)
    {
        if (!condition)
            throw new InvalidOperationException($"Scheduler integrity: {violation}.");
    }
}
