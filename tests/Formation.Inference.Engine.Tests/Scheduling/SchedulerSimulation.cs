using Formation.Inference.Engine.KvCache;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Sequences;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Engine.Tests.Scheduling;

/// <summary>
/// Drives a scheduler as the engine does, with KV memory that remembers which token was stored in which slot. Each computed position reads
/// its whole history back through the block table, so a block that is lost, overwritten or shared by mistake is noticed at once.
/// </summary>
internal sealed class SchedulerSimulation
{
    public const int BlockSize = 4;

    readonly int[] _memory;
    readonly PrefixHasher _hasher = new(new byte[32], BlockSize);
    readonly Dictionary<SequenceGroup, int> _maxTokens = [];
    readonly Queue<ScheduledSlice[]> _inFlight = [];
    long _nextId;

    public SchedulerSimulation(SchedulerOptions options, int blocks)
    {
        Options = options;
        _memory = new int[blocks * BlockSize];
        Pool = new BlockPool(blocks);
        Scheduler = new Scheduler(options, Pool, _hasher);
    }

    public SchedulerOptions Options { get; }

    public BlockPool Pool { get; }

    public Scheduler Scheduler { get; }

    public List<SequenceGroup> Groups { get; } = [];

    /// <summary>Rows computed so far for each account.</summary>
    public Dictionary<string, int> ComputedRows { get; } = [];

    /// <summary>How long a draft a sequence would like in the next step.</summary>
    public Func<Sequence, int> DraftLength { get; set; } = _ => 0;

    /// <summary>Which tokens of drafts are wrong.</summary>
    public Func<bool> IsWrong { get; set; } = () => false;

    /// <summary>Tokens of drafts that were right, so far.</summary>
    public int AcceptedTokens { get; private set; }

    public bool IsIdle => Groups.All(group => group.Sequences.All(sequence => sequence.State == SequenceState.Finished));

    public SequenceGroup Submit(string account, int[] prompt, int maxTokens, int choices = 1)
    {
        var group = new SequenceGroup(_nextId, account, prompt, _hasher.KeysOf(account, prompt), choices);
        _nextId += choices;
        _maxTokens[group] = maxTokens;
        Groups.Add(group);
        Scheduler.Add(group);
        return group;
    }

    /// <summary>Steps that are in flight at once: a step is completed when so many are, or when there is nothing to begin.</summary>
    public int Depth { get; set; } = 1;

    /// <summary>Begins a step, completes the oldest where it is time for that, and audits everything after it.</summary>
    public IReadOnlyList<ScheduledSlice> Step()
    {
        var slices = Begin();
        if (_inFlight.Count == Depth || slices.Length == 0)
            Complete();
        Scheduler.CheckIntegrity();
        return slices;
    }

    /// <summary>Gives up all steps in flight, as when a stage is lost. What they wrote is lost, too.</summary>
    public void Abandon()
    {
        foreach (var slices in _inFlight)
            foreach (var slice in slices)
                for (var position = slice.Sequence.ComputedLength; position < slice.End; position++)
                    if (slice.Sequence.State == SequenceState.Running)
                        _memory[Slot(slice.Sequence, position)] = -1;
        while (_inFlight.TryDequeue(out var slices))
            Scheduler.Abandon(slices);
        Scheduler.CheckIntegrity();
    }

    ScheduledSlice[] Begin()
    {
        var scheduled = new List<ScheduledSlice>();
        Scheduler.Schedule(scheduled, Depth);
        foreach (var slice in scheduled)
            Draft(slice.Sequence);
        Scheduler.AddDrafts(scheduled);
        var slices = scheduled.ToArray();
        CheckBudgets(slices);
        foreach (var slice in slices)
            Compute(slice);
        if (slices.Length > 0)
            _inFlight.Enqueue(slices);
        return slices;
    }

    void Complete()
    {
        if (!_inFlight.TryDequeue(out var slices))
            return;
        var drafts = Array.ConvertAll(slices, slice => slice.Sequence.Draft.ToArray());
        Scheduler.Complete(slices);
        for (var i = 0; i < slices.Length; i++)
            if (slices[i].Sequence.ComputedLength == slices[i].Sequence.Length)
                Append(slices[i].Sequence, drafts[i]);
    }

    void Draft(Sequence sequence)
    {
        for (var length = DraftLength(sequence); sequence.Draft.Count < length;)
            sequence.Draft.Add(TokenAfter(sequence, sequence.Length + sequence.Draft.Count) + (IsWrong() ? 1 : 0));
    }

    /// <summary>Appends the tokens that the step gives: the next one, and one more for each token of the draft that is right.</summary>
    void Append(Sequence sequence, int[] draft)
    {
        for (var i = 0; i <= draft.Length; i++)
        {
            if (i > 0)
            {
                Scheduler.AcceptDraft(sequence);
                AcceptedTokens++;
            }

            var token = TokenAfter(sequence, sequence.Length);
            sequence.Append(token);
            if (sequence.CompletionLength >= _maxTokens[sequence.Group])
                Scheduler.Remove(sequence);
            if (sequence.State == SequenceState.Finished || i == draft.Length || draft[i] != token)
                return;
        }
    }

    public void RunToEnd(int maxSteps = 100_000)
    {
        for (var step = 0; !IsIdle; step++)
        {
            Assert.True(step < maxSteps, "the sequences did not finish");
            Step();
        }

        Assert.Equal(0, Pool.HeldCount);
        Assert.Equal(0, Scheduler.WaitingCount);
    }

    /// <summary>The next token: a function of the whole history and the choice.</summary>
    static int TokenAfter(Sequence sequence, int length)
    {
        var hash = sequence.Choice + 17u;
        for (var position = 0; position < length; position++)
            hash = (hash ^ (uint)sequence[position]) * 16777619;
        return (int)(hash >> 8 & 0xFFF);
    }

    void Compute(ScheduledSlice slice)
    {
        var sequence = slice.Sequence;
        Assert.True(slice.FirstPosition == sequence.ComputedLength || sequence.StepsInFlight > 1, "a position is left out or computed twice");
        Assert.Equal(slice.Kind == SliceKind.Prefill, slice.FirstPosition < sequence.PromptLength);
        Assert.True(slice.Kind == SliceKind.Decode || slice.End <= sequence.PromptLength, "a prefill slice has generated positions");
        for (var position = slice.FirstPosition; position < slice.End; position++)
            _memory[Slot(sequence, position)] = sequence[position];
        for (var position = 0; position < slice.End; position++)
            Assert.Equal(sequence[position], _memory[Slot(sequence, position)]);
        var account = sequence.Group.AccountId;
        ComputedRows[account] = ComputedRows.GetValueOrDefault(account) + slice.Count;
    }

    void CheckBudgets(ScheduledSlice[] slices)
    {
        Assert.Equal(slices.Length, slices.Select(slice => slice.Sequence).Distinct().Count());
        Assert.True(Scheduler.Running.Count <= Options.MaxRunningSequences);
        Assert.True(slices.Sum(slice => slice.Count) <= Options.MaxRows);
    }

    static int Slot(Sequence sequence, int position) => sequence.Blocks[position / BlockSize] * BlockSize + position % BlockSize;
}
