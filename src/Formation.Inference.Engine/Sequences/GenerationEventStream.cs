using System.Runtime.CompilerServices;
using System.Text;
using System.Threading.Channels;

namespace Formation.Inference.Engine.Sequences;

/// <summary>
/// The events of one request on their way from the engine's thread to their one reader. Unread deltas of a choice are joined, so a slow
/// reader costs no more memory than the text it has not read, and never makes the engine wait.
/// </summary>
internal sealed class GenerationEventStream
{
    readonly Lock _lock = new();
    readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    readonly Dictionary<int, PendingDelta> _openDeltas = [];
    List<object> _pending = [];
    bool _isComplete;

    sealed class PendingDelta(GenerationDelta first)
    {
        StringBuilder? _text;
        List<int>? _tokenIds;
        List<TokenLogprob>? _tokens;

        public void Add(GenerationDelta next)
        {
            (_text ??= new StringBuilder(first.Text.Value)).Append(next.Text.Value);
            (_tokenIds ??= [.. first.TokenIds]).AddRange(next.TokenIds);
            (_tokens ??= [.. first.Tokens]).AddRange(next.Tokens);
        }

        public GenerationDelta ToEvent() =>
            _text is null ? first : first with { Text = _text.ToString(), TokenIds = _tokenIds!, Tokens = _tokens! };
    }

    /// <summary>Adds an event; ignored after the last one.</summary>
    public void Publish(GenerationEvent next)
    {
        lock (_lock)
        {
            if (_isComplete)
                return;
            if (next is GenerationDelta { IsEcho: false } delta)
                PublishDelta(delta);
            else
                _pending.Add(next);
        }

        _wake.Writer.TryWrite(true);
    }

    /// <summary>Marks the end of the stream.</summary>
    public void Complete()
    {
        lock (_lock)
            _isComplete = true;
        _wake.Writer.TryWrite(true);
    }

    /// <summary>Ends the stream with a failure.</summary>
    public void Fail(GenerationError error)
    {
        Publish(new GenerationFailed(error));
        Complete();
    }

    /// <summary>All events, as they come.</summary>
    public async IAsyncEnumerable<GenerationEvent> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (events, isLast) = Take();
            foreach (var item in events)
                yield return item as GenerationEvent ?? ((PendingDelta)item).ToEvent();
            if (isLast)
                yield break;
            await _wake.Reader.ReadAsync(cancellationToken);
        }
    }

    void PublishDelta(GenerationDelta delta)
    {
        if (_openDeltas.TryGetValue(delta.Choice, out var open))
        {
            open.Add(delta);
            return;
        }

        open = new PendingDelta(delta);
        _openDeltas.Add(delta.Choice, open);
        _pending.Add(open);
    }

    (IReadOnlyList<object> Events, bool IsLast) Take()
    {
        lock (_lock)
        {
            // The list handed out is never the one that the engine goes on adding to, not even while it is empty.
            if (_pending.Count == 0)
                return ([], _isComplete);
            var events = _pending;
            _pending = [];
            _openDeltas.Clear();
            return (events, _isComplete);
        }
    }
}
