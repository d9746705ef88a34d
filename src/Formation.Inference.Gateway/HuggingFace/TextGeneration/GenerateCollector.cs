using Formation.Inference.Gateway.Streaming;

namespace Formation.Inference.Gateway.HuggingFace.TextGeneration;

/// <summary>Step 10 for whole answers: collects the events of every text, and answers with the best one.</summary>
internal sealed class GenerateCollector(GeneratePlan plan, UsageCount usage)
{
    readonly Candidate[] _candidates = [.. Enumerable.Range(0, plan.Request.Choices).Select(_ => new Candidate())];
    IReadOnlyList<PrefillToken> _prefill = [];

    internal void Add(PromptEvent item)
    {
        usage.Add(item);
        switch (item.Event)
        {
            case GenerationDelta { IsEcho: true } echo:
                _prefill = [.. echo.Tokens.Select(token => new PrefillToken(
                    token.TokenId, TokenTexts.Alone(token.Bytes), token.Logprob is { } logprob ? TokenTexts.Logprob(logprob) : null))];
                break;
            case GenerationDelta delta:
                _candidates[delta.Choice].Add(delta);
                break;
            case GenerationFinished finished:
                _candidates[finished.Choice].End(finished);
                break;
        }
    }

    internal GenerateResponse ToAnswer()
    {
        Candidate best = _candidates.Length == 1 ? _candidates[0] : _candidates.MaxBy(candidate => candidate.MeanLogprob)!;
        string text = plan.Prefix + best.Texts.Text;
        if (!plan.HasDetails)
            return new GenerateResponse(text);
        return new GenerateResponse(text)
        {
            Details = new GenerateDetails(best.Reason, best.Finished.CompletionTokens, plan.Seed, _prefill, best.Tokens)
            {
                TopTokens = best.TopTokens,
                BestOfSequences = _candidates.Length == 1 ? null : [.. _candidates.Where(candidate => candidate != best).Select(ToSequence)],
            },
        };
    }

    BestOfSequence ToSequence(Candidate other) => new(
        plan.Prefix + other.Texts.Text, other.Reason, other.Finished.CompletionTokens, plan.Seed, _prefill, other.Tokens)
    {
        TopTokens = other.TopTokens,
    };

    sealed class Candidate
    {
        readonly List<IReadOnlyList<GeneratedToken>> _top = [];

        internal TokenTexts Texts { get; } = new();

        internal List<GeneratedToken> Tokens { get; } = [];

        internal IReadOnlyList<IReadOnlyList<GeneratedToken>>? TopTokens => _top.Exists(each => each.Count > 0) ? _top : null;

        internal GenerationFinished Finished { get; private set; } = null!;

        internal string Reason => FinishReasons.Of(Finished);

        internal float MeanLogprob => Tokens.Count == 0 ? float.NegativeInfinity : Tokens.Average(token => token.Logprob);

        internal void Add(GenerationDelta delta)
        {
            Texts.Add(delta.Text.Value);
            Tokens.AddRange(Texts.Of(delta.Tokens));
            AddTop(delta.Tokens);
        }

        internal void End(GenerationFinished finished)
        {
            Finished = finished;
            List<GeneratedToken> end = Texts.End(finished);

            // Without tokens there is nothing to tell the rest of the text with.
            if (finished.EndTokens.Count > 0)
                Tokens.AddRange(end);
            AddTop(finished.EndTokens);
        }

        void AddTop(IReadOnlyList<TokenLogprob> tokens) => _top.AddRange(tokens.Select(token => TokenTexts.Top(token) ?? []));
    }
}
