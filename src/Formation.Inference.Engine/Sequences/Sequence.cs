using Formation.Inference.Engine.KvCache;

namespace Formation.Inference.Engine.Sequences;

/// <summary>
/// One completion of a prompt as the scheduler sees it: its token history, how much of that is in KV blocks, and which blocks these are.
/// </summary>
internal sealed class Sequence(long id, SequenceGroup group, int choice)
{
    readonly List<int> _completion = [];
    readonly List<PrefixKey> _completionKeys = [];
    int _scheduledLength;

    /// <summary>Unique, growing in the order of arrival.</summary>
    public long Id => id;

    public SequenceGroup Group => group;

    /// <summary>Index of the choice in its request, from 0.</summary>
    public int Choice => choice;

    public SequenceState State { get; set; }

    public BlockTable Blocks { get; } = new();

    public int PromptLength => group.Prompt.Length;

    public int CompletionLength => _completion.Count;

    /// <summary>Tokens of prompt and completion.</summary>
    public int Length => PromptLength + _completion.Count;

    /// <summary>Leading positions whose keys and values are in the blocks.</summary>
    public int ComputedLength { get; set; }

    /// <summary>Leading positions that the account was charged for, so that a rebuild after preemption is free.</summary>
    public int ChargedLength { get; set; }

    /// <summary>Steps with positions of it that are being computed: one that decodes, or any number with chunks of its prompt.</summary>
    public int StepsInFlight { get; private set; }

    /// <summary>Leading positions that are in the blocks, or will be when the steps in flight are complete.</summary>
    public int ScheduledLength => StepsInFlight == 0 ? ComputedLength : _scheduledLength;

    /// <summary>Full blocks that were offered to the prefix cache.</summary>
    public int PublishedBlocks { get; set; }

    /// <summary>
    /// Tokens guessed to follow the newest one, computed together with it. They are no part of the history: each becomes one when the sampler
    /// draws it, too. Empty between steps.
    /// </summary>
    public List<int> Draft { get; } = [];

    /// <summary>Notes that a step computes the positions up to an end.</summary>
    public void EnterStep(int end)
    {
        StepsInFlight++;
        _scheduledLength = end;
    }

    /// <summary>Notes that a step is complete, or given up: then those behind it are, too.</summary>
    public void LeaveStep() => StepsInFlight--;

    /// <summary>Whether only the newest token, a generated one, is not computed: the normal state between two steps of decoding.</summary>
    public bool IsDecoding => ComputedLength >= PromptLength && ComputedLength == Length - 1;

    /// <summary>The token at a position of the history, or behind it of the draft.</summary>
    public int this[int position] =>
        position < PromptLength ? group.Prompt[position]
        : position < Length ? _completion[position - PromptLength]
        : Draft[position - Length];

    public void Append(int token) => _completion.Add(token);

    /// <summary>Copies the tokens from a position on, those of the draft behind those of the history.</summary>
    public void CopyTokens(int firstPosition, Span<int> destination)
    {
        for (var i = 0; i < destination.Length; i++)
            destination[i] = this[firstPosition + i];
    }

    /// <summary>The prefix key of a full block.</summary>
    public PrefixKey KeyOf(int block, PrefixHasher hasher)
    {
        var promptKeys = group.PromptKeys;
        if (block < promptKeys.Length)
            return promptKeys[block];

        Span<int> tokens = stackalloc int[hasher.BlockSize];
        for (var next = promptKeys.Length + _completionKeys.Count; next <= block; next++)
        {
            var previous = _completionKeys.Count > 0 ? _completionKeys[^1]
                : promptKeys.Length > 0 ? promptKeys[^1]
                : hasher.Root(group.AccountId);
            CopyTokens(next * hasher.BlockSize, tokens);
            _completionKeys.Add(hasher.Next(previous, tokens));
        }

        return _completionKeys[block - promptKeys.Length];
    }
}
