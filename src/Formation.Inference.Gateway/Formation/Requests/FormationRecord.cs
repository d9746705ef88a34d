using System.Runtime.CompilerServices;
using Formation.Inference.Gateway.Streaming;

namespace Formation.Inference.Gateway.Formation.Requests;

/// <summary>Notes what Formation's part of an answer tells, while the answer's events pass.</summary>
/// <param name="isAsked">Whether the request has such a part; else nothing is noted or told.</param>
/// <param name="usage">What the request used, as far as the answer is told.</param>
/// <param name="clock">The clock.</param>
internal sealed class FormationRecord(bool isAsked, UsageCount usage, TimeProvider clock)
{
    readonly long _begun = clock.GetTimestamp();
    readonly List<string> _nodes = [];
    TimeSpan? _accepted, _firstToken;
    TimeSpan _ended;

    /// <summary>The same events.</summary>
    internal IAsyncEnumerable<PromptEvent> Watch(IAsyncEnumerable<PromptEvent> events, CancellationToken cancellationToken) =>
        isAsked ? NoteAllAsync(events, cancellationToken) : events;

    /// <summary>What was noted, or null where nobody asked.</summary>
    internal FormationAnswer? ToAnswer() => isAsked
        ? new FormationAnswer(
            _nodes,
            usage.CachedTokens,
            new FormationTimings(Milliseconds(_accepted ?? _ended), _firstToken is { } first ? Milliseconds(first) : null, Milliseconds(_ended)))
        : null;

    async IAsyncEnumerable<PromptEvent> NoteAllAsync(IAsyncEnumerable<PromptEvent> events, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (PromptEvent item in events.WithCancellation(cancellationToken))
        {
            Note(item);
            yield return item;
        }
    }

    void Note(PromptEvent item)
    {
        _ended = clock.GetElapsedTime(_begun);
        switch (item.Event)
        {
            case GenerationStarted:
                _accepted ??= _ended;
                break;
            case GenerationDelta { IsEcho: false }:
                _firstToken ??= _ended;
                break;
            case GenerationFinished finished:
                _nodes.AddRange(finished.Nodes.Except(_nodes));
                break;
        }
    }

    static double Milliseconds(TimeSpan time) => Math.Round(time.TotalMilliseconds, 1);
}
