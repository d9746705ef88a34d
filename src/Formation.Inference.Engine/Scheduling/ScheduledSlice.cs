using Formation.Inference.Engine.Sequences;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Engine.Scheduling;

/// <summary>The positions of one sequence that a step computes.</summary>
/// <param name="Sequence">The sequence; it has one slice in a step at most.</param>
/// <param name="Kind">Prefill for positions of the prompt, decode for generated ones.</param>
/// <param name="FirstPosition">The first position, from 0.</param>
/// <param name="Count">How many, at least 1; the last ones may be those of the sequence's draft.</param>
internal readonly record struct ScheduledSlice(Sequence Sequence, SliceKind Kind, int FirstPosition, int Count)
{
    /// <summary>Position after the last one.</summary>
    public int End => FirstPosition + Count;

    /// <summary>Whether the slice has the sequence's newest token, so that its row gives the next one. Until the step is complete.</summary>
    public bool IsSampled => End >= Sequence.Length;
}
