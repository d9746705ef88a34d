namespace Formation.Inference.Gateway.Streaming;

/// <summary>Adds up what a request uses, and notices when all of its choices have finished.</summary>
/// <param name="choices">How many choices the request has, all prompts together.</param>
internal sealed class UsageCount(int choices)
{
    readonly Dictionary<int, int> _cachedTokens = [];
    int _finished;

    internal int PromptTokens { get; private set; }

    internal int CompletionTokens { get; private set; }

    /// <summary>Of these, tokens of trains of thought.</summary>
    internal int ReasoningTokens { get; private set; }

    /// <summary>Tokens of the prompts that were found in the prefix cache, as far as choices have finished.</summary>
    internal int CachedTokens => _cachedTokens.Values.Sum();

    internal bool IsComplete => _finished == choices;

    /// <summary>Adds tokens of what is only read, and not answered by choices.</summary>
    internal void AddPromptTokens(int tokens) => PromptTokens += tokens;

    internal void Add(PromptEvent item)
    {
        switch (item.Event)
        {
            case GenerationStarted started:
                PromptTokens += started.PromptTokens;
                break;
            case GenerationFinished finished:
                CompletionTokens += finished.CompletionTokens;
                ReasoningTokens += finished.ReasoningTokens;
                _cachedTokens[item.Prompt] = finished.CachedPromptTokens;
                _finished++;
                break;
        }
    }
}
