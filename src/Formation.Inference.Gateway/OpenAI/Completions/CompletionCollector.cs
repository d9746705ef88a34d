using System.Text;
using Formation.Inference.Gateway.OpenAI.Answers;
using Formation.Inference.Gateway.Streaming;

namespace Formation.Inference.Gateway.OpenAI.Completions;

/// <summary>
/// Step 10 for completions that are not streamed: collects the events of every candidate, and of each prompt's candidates returns the best
/// (highest log-probability per token, as OpenAI's <c>best_of</c> says) where there are more than were asked for.
/// </summary>
internal sealed class CompletionCollector(AnswerHeader header, CompletionPlan plan, UsageCount usage)
{
    readonly Candidate[] _candidates =
        [.. Enumerable.Range(0, plan.Requests.Count * plan.Candidates).Select(_ => new Candidate())];

    internal void Add(PromptEvent item)
    {
        usage.Add(item);
        switch (item.Event)
        {
            case GenerationDelta delta:
                Candidate candidate = At(item.Prompt, delta.Choice);
                candidate.Text.Append(delta.Text.Value);
                candidate.Tokens.AddRange(delta.Tokens);
                if (!delta.IsEcho)
                    candidate.Score(delta.Tokens);
                break;
            case GenerationFinished finished:
                At(item.Prompt, finished.Choice).Finished = finished;
                break;
        }
    }

    internal Completion ToAnswer()
    {
        var choices = new List<CompletionChoice>();
        for (int prompt = 0; prompt < plan.Requests.Count; prompt++)
            foreach (Candidate candidate in Best(prompt))
                choices.Add(ToChoice(candidate, prompt, choices.Count));
        return new Completion(header.Id, "text_completion", header.Created, header.Model, header.SystemFingerprint, choices)
        {
            Usage = Usage.From(usage),
        };
    }

    Candidate At(int prompt, int choice) => _candidates[(prompt * plan.Candidates) + choice];

    IEnumerable<Candidate> Best(int prompt)
    {
        IEnumerable<Candidate> all = _candidates.Skip(prompt * plan.Candidates).Take(plan.Candidates);
        return plan.Candidates == plan.Choices ? all : all.OrderByDescending(candidate => candidate.MeanLogprob).Take(plan.Choices);
    }

    CompletionChoice ToChoice(Candidate candidate, int prompt, int index)
    {
        CompletionLogprobs? logprobs = plan.Logprobs is { } top
            ? new CompletionLogprobsWriter(top, plan.FirstTextOffset(prompt)).Write(candidate.Tokens)
            : null;
        return new CompletionChoice(candidate.Text.ToString(), index, logprobs, FinishReasons.Of(candidate.Finished!))
        {
            StopReason = FinishReasons.StopReason(candidate.Finished!),
        };
    }

    sealed class Candidate
    {
        double _sum;
        int _count;

        internal StringBuilder Text { get; } = new();

        internal List<TokenLogprob> Tokens { get; } = [];

        internal GenerationFinished? Finished { get; set; }

        internal double MeanLogprob => _count == 0 ? double.NegativeInfinity : _sum / _count;

        internal void Score(IReadOnlyList<TokenLogprob> tokens)
        {
            foreach (TokenLogprob token in tokens)
            {
                _sum += token.Logprob ?? 0;
                _count++;
            }
        }
    }
}
