using System.Diagnostics;
using Formation.Inference.Engine.Embeddings;
using Formation.Inference.Engine.Sampling;

namespace Formation.Inference.Engine.Sequences;

/// <summary>One request inside the engine: its sequences, their output, and the stream of its events.</summary>
internal sealed class Generation
{
    volatile bool _isCancelled;

    public required GenerationRequest Request { get; init; }

    public required SequenceGroup Group { get; init; }

    /// <summary>The inputs of a request for embeddings, of which <see cref="Group"/> is the first; null for one that generates.</summary>
    public EmbeddingWork? Embedding { get; init; }

    /// <summary>What the scheduler has of the request.</summary>
    public IEnumerable<SequenceGroup> Groups => Embedding?.Begun ?? [Group];

    /// <summary>Tokens of the prompt, or of all inputs.</summary>
    public int PromptTokens => Embedding?.TokenCount ?? Group.Prompt.Length;

    /// <summary>One for each choice.</summary>
    public required IReadOnlyList<ChoiceOutput> Choices { get; init; }

    /// <summary>How a train of thought stands in the choices' texts, or null where there is none.</summary>
    public ReasoningSyntax? Reasoning { get; init; }

    /// <summary>Tokens that each choice may generate at most.</summary>
    public required int MaxTokens { get; init; }

    /// <summary>Called after <see cref="Cancel"/>, so that the engine looks.</summary>
    public required Action Wake { get; init; }

    public GenerationEventStream Events { get; } = new();

    /// <summary>Log-probabilities of the prompt's tokens that are known so far; the first token has none.</summary>
    public List<TokenScore> PromptScores { get; } = [];

    public required GenerationTimes Times { get; init; }

    /// <summary>The caller's trace, if any.</summary>
    public ActivityContext Trace { get; } = Activity.Current?.Context ?? default;

    /// <summary>Whether somebody keeps that trace.</summary>
    public bool IsTraced => (Trace.TraceFlags & ActivityTraceFlags.Recorded) != 0;

    public bool IsCancelled => _isCancelled;

    /// <summary>Whether all choices have ended, or the request has failed.</summary>
    public bool IsFinished => Group.Sequences.All(sequence => sequence.State == SequenceState.Finished);

    /// <summary>Asks the engine to drop the request at its next step. Safe from any thread.</summary>
    public void Cancel()
    {
        _isCancelled = true;
        Wake();
    }
}

/// <summary>When a request passed the points that metrics and traces tell of, as time stamps of the engine's clock; null before.</summary>
internal sealed class GenerationTimes
{
    public required long Submitted { get; init; }

    public required DateTimeOffset SubmittedAt { get; init; }

    public long? Scheduled { get; set; }

    public long? FirstToken { get; set; }

    public DateTimeOffset? ScheduledAt { get; set; }

    public DateTimeOffset? FirstTokenAt { get; set; }
}
