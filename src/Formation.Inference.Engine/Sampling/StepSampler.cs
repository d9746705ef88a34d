using Formation.Inference.Engine.Grammars;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Sequences;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Engine.Sampling;

/// <summary>
/// Step 8 of the request path: computes the logits that a step needs, a bounded number of rows at a time, draws the next tokens, and scores
/// prompt tokens where a request wants their log-probabilities. A draft is verified by drawing: its token stands as long as the sampler, with
/// the state that it has there without a draft, draws the same one.
/// </summary>
internal sealed class StepSampler(Pipeline pipeline, Sampler sampler, int maxLogitsRows)
{
    readonly float[] _logits = new float[checked(maxLogitsRows * pipeline.VocabularySize)];
    readonly int[] _rows = new int[maxLogitsRows];
    readonly List<WantedRow> _wanted = [];
    readonly List<StepSample> _samples = [];
    bool _isDraftRight;

    readonly record struct WantedRow(int Row, int Position, Sequence Sequence);

    /// <summary>
    /// Draws a token for each slice that ends its sequence's history, and one more for each token of its draft that turns out right. The
    /// samplers' states take them at once, because the next draw depends on them.
    /// </summary>
    /// <param name="slices">The slices of a step that the pipeline has computed.</param>
    /// <param name="activations">Their rows. Those of a sequence that has ended since are left out.</param>
    /// <param name="ownerOf">The request of a sequence.</param>
    /// <returns>The drawn tokens, those of a sequence one behind the other; valid until the next call.</returns>
    public IReadOnlyList<StepSample> Sample(
        IReadOnlyList<ScheduledSlice> slices, Activations activations, Func<Sequence, Generation> ownerOf)
    {
        _samples.Clear();
        FindWantedRows(slices, ownerOf);
        for (var first = 0; first < _wanted.Count; first += maxLogitsRows)
        {
            var count = Math.Min(maxLogitsRows, _wanted.Count - first);
            for (var i = 0; i < count; i++)
                _rows[i] = _wanted[first + i].Row;
            pipeline.Logits(activations, _rows.AsSpan(0, count), _logits.AsSpan(0, count * pipeline.VocabularySize));
            for (var i = 0; i < count; i++)
                Read(_wanted[first + i], _logits.AsSpan(i * pipeline.VocabularySize, pipeline.VocabularySize), ownerOf);
        }

        return _samples;
    }

    void FindWantedRows(IReadOnlyList<ScheduledSlice> slices, Func<Sequence, Generation> ownerOf)
    {
        _wanted.Clear();
        var row = 0;
        foreach (var slice in slices)
        {
            if (slice.Sequence.State == SequenceState.Finished)
            {
                row += slice.Count;
                continue;
            }

            var owner = ownerOf(slice.Sequence);
            var scored = slice.Sequence == slice.Sequence.Group.Leader && slice.Sequence.Group.NeedsPromptLogits
                ? Math.Min(slice.End, slice.Sequence.PromptLength - 1)
                : 0;
            for (var position = Math.Max(slice.FirstPosition, owner.PromptScores.Count); position < scored; position++)
                _wanted.Add(new WantedRow(row + position - slice.FirstPosition, position, slice.Sequence));
            if (slice.IsSampled && owner.MaxTokens > 0)
                for (var position = slice.Sequence.Length - 1; position < slice.End; position++)
                    _wanted.Add(new WantedRow(row + position - slice.FirstPosition, position, slice.Sequence));
            row += slice.Count;
        }
    }

    void Read(WantedRow wanted, Span<float> logits, Func<Sequence, Generation> ownerOf)
    {
        var (owner, sequence) = (ownerOf(wanted.Sequence), wanted.Sequence);
        var next = wanted.Position + 1;
        if (next >= sequence.Length)
            Draw(sequence, next - sequence.Length, logits, owner);
        else if (LogProbabilities.AreFinite(logits))
            owner.PromptScores.Add(LogProbabilities.Score(logits, sequence[next], owner.Request.Logprobs!.Top));
        else
            _samples.Add(new StepSample(sequence, null, EngineErrors.NonFiniteLogits()));
    }

    /// <summary>Draws the token behind the history and some tokens of the draft; none where one of these was wrong.</summary>
    void Draw(Sequence sequence, int drafted, Span<float> logits, Generation owner)
    {
        if (drafted > 0 && !_isDraftRight)
            return;
        var sample = DrawNext(sequence, logits, owner);
        _samples.Add(sample);
        _isDraftRight = sample.Token is { CompletesText: false, TokenId: var token }
            && drafted < sequence.Draft.Count && sequence.Draft[drafted] == token;
    }

    StepSample DrawNext(Sequence sequence, Span<float> logits, Generation owner)
    {
        var state = owner.Choices[sequence.Choice].Sampler;
        try
        {
            if (!sampler.TrySample(logits, state, owner.Request.Logprobs, out var sampled))
                return new StepSample(sequence, null, EngineErrors.NonFiniteLogits());
            state.Accept(sampled.TokenId);
            return new StepSample(sequence, sampled with { CompletesText = state.IsTextComplete }, null);
        }
        catch (GrammarException fault)
        {
            return new StepSample(sequence, null, EngineErrors.FormatFailed(fault.Message));
        }
    }
}

/// <summary>The next token of a sequence, or null where none can be drawn, and why.</summary>
internal readonly record struct StepSample(Sequence Sequence, SampledToken? Token, GenerationError? Error);
