namespace Formation.Inference.Cluster.Routing;

/// <summary>
/// What a request's reader has got, over all heads that worked on it: makes of it the request for the next head, and holds each event against
/// it. Events that no honest head would send never pass. Belongs to one request.
/// </summary>
internal sealed class RequestProgress(GenerationRequest request)
{
    /// <summary>Tokens of a choice where neither request nor head give a limit; bounds what a hostile head can make this gateway keep.</summary>
    private const int MostTokens = 1 << 22;

    private const int MostText = 1 << 28;

    private readonly Choice[] _choices = [.. Enumerable.Range(0, request.Choices).Select(_ => new Choice())];
    private GenerationStarted? _started;
    private GenerationFinished? _firstFinished;
    private bool _hasAttemptStarted, _isPromptShown;

    private sealed class Choice
    {
        public List<int> TokenIds { get; } = [];

        public int TextLength { get; set; }

        public bool IsEchoed { get; set; }

        public bool IsFinished { get; set; }
    }

    /// <summary>Whether the reader knows that the request was accepted: from here on a failure is not an answer to the request any more.</summary>
    public bool HasStarted => _started is not null;

    /// <summary>Whether the head at work has accepted the request.</summary>
    public bool HasAttemptStarted => _hasAttemptStarted;

    /// <summary>Whether all choices have ended; where the request has none, whether its prompt was counted, and shown where it wants it back.</summary>
    public bool IsComplete => HasStarted
        && (WantsPromptOnly ? _isPromptShown : Array.TrueForAll(_choices, choice => choice.IsFinished));

    private bool WantsPromptOnly => request is { Choices: 0, EchoPrompt: true };

    private int TokenLimit => Math.Min(_started?.MaxTokens ?? request.Stop.MaxTokens ?? MostTokens, MostTokens);

    /// <summary>Begins an attempt on a head.</summary>
    /// <returns>The request as that head is to get it.</returns>
    public GenerationRequest BeginAttempt()
    {
        _hasAttemptStarted = false;
        if (_started is null)
            return request;
        return request with
        {
            // Another head may have more room: the limit that the first one found stays.
            Stop = request.Stop with { MaxTokens = _started.MaxTokens ?? request.Stop.MaxTokens },
            Continuation = new Continuation([.. _choices.Select(choice => choice.IsFinished
                ? new ContinuedChoice { IsFinished = true }
                : new ContinuedChoice { TokenIds = [.. choice.TokenIds], TextLength = choice.TextLength, IsEchoed = choice.IsEchoed })]),
        };
    }

    /// <summary>Takes a head's next event.</summary>
    /// <param name="next">The event; no failure.</param>
    /// <param name="hasProgressed">Whether it brings the request nearer to its end.</param>
    /// <returns>What the reader gets of it, or null.</returns>
    /// <exception cref="HeadLostException">No honest head would send it here.</exception>
    public GenerationEvent? Accept(GenerationEvent next, out bool hasProgressed)
    {
        hasProgressed = next is not GenerationStarted;
        Require(_hasAttemptStarted != next is GenerationStarted, "its events are in a wrong order");
        return next switch
        {
            GenerationStarted started => Accept(started),
            GenerationDelta { IsEcho: true } echo => AcceptEcho(echo),
            GenerationDelta delta => Accept(delta),
            GenerationFinished finished => Accept(finished),
            _ => throw Untrusted("it sends events of an unknown kind"),
        };
    }

    private GenerationStarted? Accept(GenerationStarted started)
    {
        Require(started.PromptTokens > 0 && started.MaxTokens is null or >= 0, "its counts are out of range");
        Require(request.Stop.MaxTokens is not { } most || started.MaxTokens is not { } allowed || allowed <= most, "it raises the token limit");
        _hasAttemptStarted = true;
        if (_started is null)
            return _started = started;
        Require(started == _started, "it sees another prompt or context than the head before");
        return null;
    }

    private GenerationDelta AcceptEcho(GenerationDelta echo)
    {
        if (WantsPromptOnly)
        {
            Require(!_isPromptShown && echo.Choice == 0 && echo.Tokens.Count == _started!.PromptTokens, "it shows another prompt than it has counted");
            _isPromptShown = true;
            return echo;
        }

        var choice = Open(echo.Choice);
        Require(request.EchoPrompt && !choice.IsEchoed && choice.TextLength == 0, "it sends an echo that is not wanted");
        Require(echo.Tokens.Count == 0 || request.Logprobs is not null, "it sends log-probabilities that are not wanted");
        choice.IsEchoed = true;
        return echo;
    }

    private GenerationDelta? Accept(GenerationDelta delta)
    {
        var choice = Open(delta.Choice);
        Require(choice.IsEchoed || !request.EchoPrompt, "it leaves out the echo");
        Require(delta.Text.Length > 0 || delta.TokenIds.Count > 0, "it sends deltas that say nothing");
        Require(delta.Tokens.Count == 0 || request.Logprobs is not null, "it sends log-probabilities that are not wanted");
        Require(delta.Tokens.Count == 0 || delta.Tokens.Count == delta.TokenIds.Count, "its log-probabilities are not those of its tokens");
        Require(delta.TokenIds.Count <= TokenLimit - choice.TokenIds.Count, "it sends more tokens than there may be");
        Require(delta.Text.Length <= MostText - choice.TextLength, "it sends more text than there may be");
        foreach (var id in delta.TokenIds)
            Require(id >= 0, "it sends a token id that can't be");
        choice.TokenIds.AddRange(delta.TokenIds);
        choice.TextLength += delta.Text.Length;
        return delta.Text.Length > 0 || delta.Tokens.Count > 0 ? delta : null;
    }

    private GenerationFinished Accept(GenerationFinished finished)
    {
        var choice = Open(finished.Choice);
        Require(finished.CompletionTokens >= choice.TokenIds.Count && finished.CompletionTokens <= TokenLimit, "its count of tokens can't be");
        Require(finished.CachedPromptTokens >= 0 && finished.CachedPromptTokens <= _started!.PromptTokens, "its count of cached tokens can't be");
        Require(finished.ReasoningTokens >= 0 && finished.ReasoningTokens <= finished.CompletionTokens, "its count of a train of thought's tokens can't be");
        Require(finished.EndTokens.Count == 0 || request.Logprobs is not null, "it sends log-probabilities that are not wanted");
        choice.IsFinished = true;
        choice.TokenIds.Clear();
        _firstFinished ??= finished;

        // Each head finds another part of the prompt in its cache; the reader is told one number, as of an undisturbed request.
        return finished.CachedPromptTokens == _firstFinished.CachedPromptTokens
            ? finished
            : finished with { CachedPromptTokens = _firstFinished.CachedPromptTokens };
    }

    private Choice Open(int index)
    {
        Require((uint)index < (uint)_choices.Length, "it speaks of a choice that does not exist");
        Require(!_choices[index].IsFinished, "it goes on with a choice that has ended");
        return _choices[index];
    }

    private static void Require(bool condition, string fault)
    {
        if (!condition)
            throw Untrusted(fault);
    }

    private static HeadLostException Untrusted(string fault) => new(HeadLoss.Untrusted, fault);
}
