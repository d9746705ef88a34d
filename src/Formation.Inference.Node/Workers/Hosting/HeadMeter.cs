using System.Runtime.CompilerServices;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Node.Workers.Hosting;

/// <summary>
/// Counts what a head generates and measures how fast: for the gateway, which shows it beside what was predicted. Looks at no text. Safe to use from
/// any thread.
/// </summary>
sealed class HeadMeter(IInferenceBackend inner, TimeProvider clock) : IInferenceBackend
{
    /// <summary>Tokens that a single stream must have generated for its speed to count.</summary>
    private const int LeastTokens = 16;

    private readonly Lock _lock = new();
    private int _running;
    private long _begun;
    private long _tokens;
    private long _spanStart;
    private long _spanTokens;
    private bool _spanIsSingle;
    private HeadFigures _figures;

    /// <summary>What was measured so far.</summary>
    public HeadFigures Figures
    {
        get
        {
            lock (_lock)
                return _figures with { RunningRequests = _running, RequestsBegun = _begun };
        }
    }

    /// <summary>Notes a pause in which a stage was replaced.</summary>
    public void Recovered(TimeSpan pause)
    {
        lock (_lock)
        {
            _figures = _figures with
            {
                Recoveries = _figures.Recoveries + 1,
                LongestPauseSeconds = Math.Max(_figures.LongestPauseSeconds, Math.Round(pause.TotalSeconds, 3)),
            };
            // The pause is no time in which it generated.
            BeginSpan();
        }
    }

    public async IAsyncEnumerable<GenerationEvent> GenerateAsync(
        GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Change(+1);
        try
        {
            await foreach (var next in inner.GenerateAsync(request, cancellationToken))
            {
                if (next is GenerationDelta { TokenIds.Count: > 0 and var tokens })
                    Count(tokens);
                yield return next;
            }
        }
        finally
        {
            Change(-1);
        }
    }

    public async Task<Outcome<EmbeddingAnswer>> EmbedAsync(EmbeddingRequest request, CancellationToken cancellationToken)
    {
        Change(+1);
        try
        {
            return await inner.EmbedAsync(request, cancellationToken);
        }
        finally
        {
            Change(-1);
        }
    }

    private void Change(int requests)
    {
        lock (_lock)
        {
            EndSpan();
            _running += requests;
            _begun += Math.Max(0, requests);
            BeginSpan();
        }
    }

    // The first token of a span waits for its prompt: the span begins behind it.
    private void Count(int tokens)
    {
        lock (_lock)
        {
            _tokens += tokens;
            if (_spanStart == 0)
                (_spanStart, _spanTokens) = (clock.GetTimestamp(), _tokens);
        }
    }

    private void BeginSpan() => (_spanStart, _spanTokens, _spanIsSingle) = (0, _tokens, _running == 1);

    private void EndSpan()
    {
        var tokens = _tokens - _spanTokens;
        if (_spanStart == 0 || tokens < LeastTokens)
            return;
        var rate = Math.Round(tokens / clock.GetElapsedTime(_spanStart).TotalSeconds, 2);
        _figures = _figures with
        {
            TokensPerSecond = rate,
            OneStreamTokensPerSecond = _spanIsSingle ? rate : _figures.OneStreamTokensPerSecond,
        };
    }
}
