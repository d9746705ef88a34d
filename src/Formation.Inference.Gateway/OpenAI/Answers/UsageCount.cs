using Formation.Inference.Gateway.Streaming;

namespace Formation.Inference.Gateway.OpenAI.Answers;

/// <summary>Adds up what a request uses, and notices when all of its choices have finished.</summary>
/// <param name="choices">How many choices the request has, all prompts together.</param>
internal sealed class UsageCount(int choices)
{
    readonly Dictionary<int, int> _cachedTokens = [];
    int _finished;

    internal int PromptTokens { get; private set; }

    internal int CompletionTokens { get; private set; }

    internal bool IsComplete => _finished == choices;

    internal void Add(PromptEvent item)
    {
        switch (item.Event)
        {
            case GenerationStarted started:
                PromptTokens += started.PromptTokens;
                break;
            case GenerationFinished finished:
                CompletionTokens += finished.CompletionTokens;
                _cachedTokens[item.Prompt] = finished.CachedPromptTokens;
                _finished++;
                break;
        }
    }

    internal Usage ToUsage() => new(
        PromptTokens,
        CompletionTokens,
        PromptTokens + CompletionTokens,
        new PromptTokensDetails(_cachedTokens.Values.Sum(), 0),
        new CompletionTokensDetails(0, 0, 0, 0));
}
