using Formation.Inference.Engine.Embeddings;
using Formation.Inference.Engine.KvCache;

namespace Formation.Inference.Engine.Sequences;

/// <summary>
/// One prompt and the sequences that continue it. The first one computes the prompt; the others wait for that and then find its full blocks
/// in the prefix cache, so the prompt's blocks exist once.
/// </summary>
internal sealed class SequenceGroup
{
    readonly Sequence[] _sequences;

    /// <param name="firstId">Id of the first sequence; the others follow. Ids grow in the order of arrival.</param>
    /// <param name="accountId">Whose sequences these are.</param>
    /// <param name="prompt">The prompt's tokens, at least one.</param>
    /// <param name="promptKeys">Prefix keys of the prompt's full blocks.</param>
    /// <param name="choices">Number of sequences.</param>
    /// <param name="hasEnded">Which of them have ended on another machine before; null for none. Not all.</param>
    public SequenceGroup(
        long firstId, string accountId, int[] prompt, PrefixKey[] promptKeys, int choices, Func<int, bool>? hasEnded = null)
    {
        ArgumentOutOfRangeException.ThrowIfZero(prompt.Length);
        ArgumentOutOfRangeException.ThrowIfLessThan(choices, 1);
        AccountId = accountId;
        Prompt = prompt;
        PromptKeys = promptKeys;
        _sequences = new Sequence[choices];
        for (var choice = 0; choice < choices; choice++)
        {
            var isEnded = hasEnded?.Invoke(choice) ?? false;
            _sequences[choice] = new Sequence(firstId + choice, this, choice) { State = isEnded ? SequenceState.Finished : SequenceState.Waiting };
        }

        Leader = _sequences.First(sequence => sequence.State != SequenceState.Finished);
    }

    public string AccountId { get; }

    public int[] Prompt { get; }

    public PrefixKey[] PromptKeys { get; }

    public IReadOnlyList<Sequence> Sequences => _sequences;

    /// <summary>The sequence that computes the prompt: the first that had not ended when the group was made.</summary>
    public Sequence Leader { get; }

    /// <summary>What makes vectors of the prompt's rows where it is embedded, else null. Then nothing is drawn behind it.</summary>
    public InputPooler? Pooler { get; init; }

    /// <summary>Whether prompt positions are to be computed whose keys and values the prefix cache may have.</summary>
    public bool NeedsAllRows => NeedsPromptLogits || Pooler is { NeedsAllRows: true };

    /// <summary>Whether the logits of all prompt positions are still wanted, which the prefix cache does not keep.</summary>
    public bool NeedsPromptLogits { get; set; }

    /// <summary>Whether the leader has computed the whole prompt, so that the others may start.</summary>
    public bool IsPromptComputed { get; set; }

    /// <summary>Prompt tokens that the leader found in the prefix cache when it was first admitted, or null before.</summary>
    public int? CachedPromptTokens { get; set; }
}
