using Formation.Inference.Engine.Sampling;
using Formation.Inference.Engine.Sequences;

namespace Formation.Inference.Engine.Speculation;

/// <summary>Guesses how sequences go on. A guess may be anything: it costs time where it is wrong, and is never believed.</summary>
/// <remarks>Called by the engine's thread only. What it throws ends its use, and harms no request.</remarks>
internal interface IDrafter
{
    /// <summary>What metrics call it.</summary>
    string Name { get; }

    /// <summary>Adds tokens to <see cref="Sequence.Draft"/> of each target, which is empty: up to its limit, fewer, or none.</summary>
    /// <param name="targets">Decoding sequences, each once; valid during the call.</param>
    void Draft(IReadOnlyList<DraftTarget> targets);

    /// <summary>Lets go of what it keeps for sequences that do not need it any more.</summary>
    void Release();
}

/// <summary>A sequence that a step can verify a draft of.</summary>
/// <param name="Sequence">Its history is complete up to its newest token.</param>
/// <param name="Sampler">Draws its tokens; to be looked at only.</param>
/// <param name="Limit">Tokens wanted at most, at least 1; all of them have a place in the context.</param>
internal readonly record struct DraftTarget(Sequence Sequence, SamplerState Sampler, int Limit);
