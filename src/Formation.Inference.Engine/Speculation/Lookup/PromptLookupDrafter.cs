using Formation.Inference.Engine.Sequences;

namespace Formation.Inference.Engine.Speculation.Lookup;

/// <summary>
/// Guesses that what followed the newest tokens at an earlier place of the same prompt and completion follows again: quotations, names, code,
/// lists, and loops ("Prompt lookup decoding", Saxena 2023). It needs no model and costs about a microsecond for each token.
/// </summary>
internal sealed class PromptLookupDrafter : IDrafter
{
    // Agreement of a few tokens may be chance, so it earns a short guess.
    const int GuessedPerAgreed = 2;

    readonly Dictionary<Sequence, NgramIndex> _indices = [];

    public string Name => "lookup";

    /// <summary>Sequences that have an index.</summary>
    internal int SequenceCount => _indices.Count;

    public void Draft(IReadOnlyList<DraftTarget> targets)
    {
        foreach (var (sequence, _, limit) in targets)
        {
            if (!_indices.TryGetValue(sequence, out var index))
                _indices.Add(sequence, index = new NgramIndex());
            index.Extend(sequence);
            index.Continue(sequence, Math.Min(limit, index.MatchLength * GuessedPerAgreed));
        }
    }

    public void Release()
    {
        foreach (var sequence in _indices.Keys)
            if (sequence.State == SequenceState.Finished)
                _indices.Remove(sequence);
    }
}
