using System.Diagnostics;
using System.Diagnostics.Metrics;
using Formation.Inference.Engine.Sampling;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Sequences;
using Formation.Inference.Engine.Speculation.Planning;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Serving;

/// <summary>Tells the outside what happens to a request: its events, and the metrics and traces of the engine.</summary>
internal sealed class GenerationReporter(string modelId, ServableModel model, EngineMetrics metrics, TimeProvider clock)
{
    // How much one more request moves the average that QueueFull's Retry-After comes from.
    const double LatencyWeight = 0.1;

    readonly Tokenizer _tokenizer = model.Tokenizer;
    readonly KeyValuePair<string, object?> _model = EngineMetrics.ModelTag(modelId);
    readonly Dictionary<DrafterRecord, DraftCounts> _drafters = [];
    long? _preemptions, _prefixQueries, _prefixHits;
    double _typicalSeconds;

    sealed class DraftCounts
    {
        public long? Drafts, DraftTokens, AcceptedTokens;
    }

    /// <summary>How long a request takes from submission to its end: a moving average.</summary>
    public TimeSpan TypicalLatency => TimeSpan.FromSeconds(Volatile.Read(ref _typicalSeconds));

    /// <summary>The engine has taken the request from its inbox.</summary>
    public void Accepted(Generation generation)
    {
        metrics.PromptTokens.Add(generation.PromptTokens, _model);
        generation.Events.Publish(new GenerationStarted(generation.PromptTokens)
        {
            MaxTokens = generation.MaxTokens,
            ToolCalls = generation.Request.ToolUse is null ? null : model.ToolCalls,
            Reasoning = generation.Reasoning,
        });
        if (generation.Request.EchoPrompt && !generation.Group.NeedsPromptLogits)
            Echo(generation);
    }

    /// <summary>The request has its first part in a step.</summary>
    public void Scheduled(Generation generation)
    {
        generation.Times.Scheduled = clock.GetTimestamp();
        generation.Times.ScheduledAt = clock.GetUtcNow();
        metrics.RequestQueueTime.Record(Seconds(generation.Times.Submitted, generation.Times.Scheduled.Value), _model);
        foreach (var group in generation.Groups)
            BeginTrace(generation, group);
    }

    /// <summary>A further input of a request has come into the scheduler.</summary>
    public void Begun(Generation generation, SequenceGroup group)
    {
        if (generation.Times.Scheduled is not null)
            BeginTrace(generation, group);
    }

    /// <summary>An input of a request has its vectors.</summary>
    public void Embedded(Generation generation, SequenceGroup group)
    {
        EndTrace(generation, group);
        if (generation.Embedding!.IsFinished)
            metrics.RequestSuccess.Add(1, _model, new("finished_reason", "embedded"));
    }

    /// <summary>All log-probabilities of the prompt are known.</summary>
    public void PromptScored(Generation generation)
    {
        generation.Group.NeedsPromptLogits = false;
        Echo(generation);
    }

    /// <summary>A choice got one more token.</summary>
    public void Advanced(Generation generation, int choice, OutputStep step)
    {
        var now = clock.GetTimestamp();
        var output = generation.Choices[choice];
        metrics.GenerationTokens.Add(1, _model);
        if (output.LastTokenAt is { } last)
            metrics.TimePerOutputToken.Record(Seconds(last, now), _model);
        if (generation.Times.FirstToken is null)
        {
            (generation.Times.FirstToken, generation.Times.FirstTokenAt) = (now, clock.GetUtcNow());
            metrics.TimeToFirstToken.Record(Seconds(generation.Times.Submitted, now), _model);
        }

        output.LastTokenAt = now;

        // The end tells more than the ids of tokens that have no text: whoever goes on behind them draws them again, and ends.
        if (step.Text.Length > 0 || step.Tokens.Count > 0 || (step.TokenIds.Length > 0 && step.Finish is null))
            generation.Events.Publish(new GenerationDelta(choice, step.Text, step.Tokens) { TokenIds = step.TokenIds });
        if (step.Finish is { } reason)
            Finished(generation, choice, reason, step);
    }

    /// <summary>A choice has ended.</summary>
    public void Finished(Generation generation, int choice, FinishReason reason, OutputStep step = default)
    {
        generation.Events.Publish(new GenerationFinished(choice, reason, generation.Choices[choice].CompletionTokens)
        {
            StopString = step.StopString,
            StopTokenId = step.StopTokenId,
            EndTokens = step.EndTokens ?? [],
            CachedPromptTokens = generation.Group.CachedPromptTokens ?? 0,
            ReasoningTokens = generation.Choices[choice].ReasoningTokens,
        });
        metrics.RequestSuccess.Add(1, _model, new("finished_reason", reason == FinishReason.Stop ? "stop" : "length"));
    }

    /// <summary>All choices have ended.</summary>
    public void Ended(Generation generation)
    {
        generation.Events.Complete();
        var seconds = Seconds(generation.Times.Submitted, clock.GetTimestamp());
        metrics.RequestLatency.Record(seconds, _model);
        Volatile.Write(ref _typicalSeconds, _typicalSeconds == 0 ? seconds : _typicalSeconds + LatencyWeight * (seconds - _typicalSeconds));
        Trace(generation);
    }

    /// <summary>The request ends without a result.</summary>
    public void Failed(Generation generation, GenerationError error)
    {
        generation.Events.Fail(error);
        metrics.RequestFailure.Add(1, _model, new("reason", error.Kind.ToString()));
        Trace(generation);
    }

    /// <summary>Nobody reads the request any more.</summary>
    public void Cancelled(Generation generation)
    {
        generation.Events.Complete();
        metrics.RequestFailure.Add(1, _model, new("reason", "Cancelled"));
        Trace(generation);
    }

    /// <summary>Adds what scheduler and drafters have counted since the last call.</summary>
    public void Count(Scheduler scheduler, IReadOnlyList<DrafterRecord> drafters)
    {
        Add(metrics.Preemptions, scheduler.Preemptions, ref _preemptions);
        Add(metrics.PrefixCacheQueries, scheduler.PrefixQueries, ref _prefixQueries);
        Add(metrics.PrefixCacheHits, scheduler.PrefixHits, ref _prefixHits);
        foreach (var drafter in drafters)
            Count(drafter);
    }

    void Count(DrafterRecord drafter)
    {
        if (!_drafters.TryGetValue(drafter, out var reported))
            _drafters.Add(drafter, reported = new DraftCounts());
        var method = new KeyValuePair<string, object?>("method", drafter.Drafter.Name);
        Add(metrics.Drafts, drafter.Drafts, ref reported.Drafts, method);
        Add(metrics.DraftTokens, drafter.DraftTokens, ref reported.DraftTokens, method);
        Add(metrics.AcceptedDraftTokens, drafter.AcceptedTokens, ref reported.AcceptedTokens, method);
    }

    /// <summary>A token's log-probabilities as the events tell them.</summary>
    public TokenLogprob? Describe(SampledToken token) => token.Score is { } score ? Describe(token.TokenId, score) : null;

    TokenLogprob Describe(int token, TokenScore score)
    {
        var top = new TokenAlternative[score.Top.Count];
        for (var i = 0; i < top.Length; i++)
            top[i] = new TokenAlternative(score.Top[i].TokenId, _tokenizer.TokenBytes(score.Top[i].TokenId), score.Top[i].Logprob)
            {
                IsSpecial = !_tokenizer.IsRendered(score.Top[i].TokenId),
            };
        return new TokenLogprob(token, _tokenizer.TokenBytes(token), score.Logprob, top) { IsSpecial = !_tokenizer.IsRendered(token) };
    }

    void Echo(Generation generation)
    {
        var delivered = generation.Request.Continuation?.Choices;
        if (delivered?.All(choice => choice.IsEchoed || choice.IsFinished) == true)
            return;
        var prompt = generation.Group.Prompt;
        var tokens = new List<TokenLogprob>();
        if (generation.Request.Logprobs is not null)
        {
            tokens.Add(new TokenLogprob(prompt[0], _tokenizer.TokenBytes(prompt[0]), null, []) { IsSpecial = !_tokenizer.IsRendered(prompt[0]) });
            for (var i = 1; i < prompt.Length; i++)
                tokens.Add(Describe(prompt[i], generation.PromptScores[i - 1]));
        }

        var text = generation.Request.Prompt is TextPrompt given ? given.Text.Value : _tokenizer.Decode(prompt);
        for (var choice = 0; choice < generation.Choices.Count; choice++)
            if (delivered?[choice] is null or { IsEchoed: false, IsFinished: false })
                generation.Events.Publish(new GenerationDelta(choice, text, tokens) { IsEcho = true });
    }

    // The spans are made when all times are known: a span that is open on the engine's thread would become the parent of foreign work.
    void Trace(Generation generation)
    {
        foreach (var group in generation.Groups)
            EndTrace(generation, group);
        if (!EngineMetrics.Traces.HasListeners())
            return;
        var (times, now) = (generation.Times, clock.GetUtcNow());
        Span("queue", times.SubmittedAt, times.ScheduledAt ?? now);
        if (times.ScheduledAt is { } scheduled)
            Span("prefill", scheduled, times.FirstTokenAt ?? now);
        if (times.FirstTokenAt is { } first)
            Span("decode", first, now);

        void Span(string name, DateTimeOffset start, DateTimeOffset end)
        {
            using var span = EngineMetrics.Traces.StartActivity(name, ActivityKind.Internal, generation.Trace, startTime: start);
            span?.SetTag("request.id", generation.Request.RequestId).SetTag("model_name", modelId).SetEndTime(end.UtcDateTime);
        }
    }

    void BeginTrace(Generation generation, SequenceGroup group)
    {
        if (generation.IsTraced)
            foreach (var sequence in group.Sequences)
                model.Pipeline.BeginTrace(sequence.Id, generation.Trace);
    }

    void EndTrace(Generation generation, SequenceGroup group)
    {
        if (generation is { IsTraced: true, Times.Scheduled: not null })
            foreach (var sequence in group.Sequences)
                model.Pipeline.EndTrace(sequence.Id);
    }

    void Add(Counter<long> counter, long total, ref long? reported, params ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        // The first time also a zero is told, so that the counter is there before its first event.
        if (total != reported)
            counter.Add(total - (reported ?? 0), [_model, .. tags]);
        reported = total;
    }

    double Seconds(long start, long end) => clock.GetElapsedTime(start, end).TotalSeconds;
}
