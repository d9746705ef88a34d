using System.Text;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Reasoning;

/// <summary>
/// Closes a train of thought that has had its tokens: the tokens that close it are drawn whatever the model would rather say, one by one. Depends on
/// the tokens so far alone, so that drafts, preemption and other nodes change nothing. Belongs to one sequence, not thread-safe.
/// </summary>
/// <param name="most">Tokens that the thought may have, what opens it included.</param>
/// <param name="syntax">How it stands in the text.</param>
/// <param name="closing">The tokens that close it.</param>
/// <param name="tokenizer">The model's.</param>
internal sealed class ReasoningBudget(int most, ReasoningSyntax syntax, int[] closing, Tokenizer tokenizer)
{
    private ReasoningTracker<byte> _tracker = new(
        Encoding.UTF8.GetBytes(syntax.Opening), Encoding.UTF8.GetBytes(syntax.Closing), Encoding.UTF8.GetBytes(syntax.Gap), syntax.IsOpen);
    private int _tokens;
    private int _closed;
    private int _unfinished;

    /// <summary>The token that must be drawn next, or null for any.</summary>
    public int? Forced => _closed > 0 || (_tokens >= most && _tracker.Phase == ReasoningPhase.Thought && _unfinished == 0)
        ? _closed < closing.Length ? closing[_closed] : null
        : null;

    /// <summary>Takes the next token.</summary>
    public void Accept(int token)
    {
        if (Forced is not null)
            _closed++;
        _tokens++;
        foreach (var next in tokenizer.TokenBytes(token).Span)
        {
            _tracker.Take(next);
            // Bytes that the character which has begun still lacks: nothing may come between them.
            _unfinished = next switch { < 0x80 or >= 0xF8 => 0, < 0xC0 => Math.Max(0, _unfinished - 1), < 0xE0 => 1, < 0xF0 => 2, _ => 3 };
        }
    }
}
