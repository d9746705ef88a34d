namespace Formation.Inference.Engine.Grammars;

/// <summary>A text that is written token by token, by a grammar. Belongs to one sequence, not thread-safe.</summary>
/// <param name="grammar">The grammar.</param>
/// <param name="ends">Tokens that end the text, each of which may be drawn where the text may end.</param>
internal sealed class GrammarText(OutputGrammar grammar, int[] ends)
{
    private readonly List<int> _tokens = [];
    private readonly float[] _endLogits = new float[ends.Length];

    /// <summary>The text so far.</summary>
    internal IReadOnlyList<int> Tokens => _tokens;

    /// <summary>Of its tokens, how many lead to <see cref="Place"/>.</summary>
    internal int Followed { get; set; }

    /// <summary>Where these lead to, in the numbers that the grammar gave at <see cref="Age"/>.</summary>
    internal int Place { get; set; }

    /// <summary>0 before the first look.</summary>
    internal int Age { get; set; }

    /// <summary>Whether nothing can follow: the text is whole.</summary>
    /// <exception cref="GrammarException">There are too many ways to read the text.</exception>
    public bool IsComplete => grammar.IsComplete(this);

    /// <summary>Takes the next token; one that ends the text adds nothing to it.</summary>
    public void Append(int token)
    {
        if (!ends.Contains(token))
            _tokens.Add(token);
    }

    /// <summary>Whether the text would be whole with one more token; it does not take it.</summary>
    /// <exception cref="GrammarException">There are too many ways to read the text, or it is none by the grammar.</exception>
    public bool IsCompletedBy(int token)
    {
        _tokens.Add(token);
        try
        {
            return IsComplete;
        }
        finally
        {
            _tokens.RemoveAt(_tokens.Count - 1);
            // Its place is behind that token: the way to the one before it is gone over again when it is asked for.
            Age = 0;
        }
    }

    /// <summary>Leaves only the tokens that may follow, and where the text may end, those that end it.</summary>
    /// <param name="logits">One row; those of all other tokens are set to minus infinity.</param>
    /// <exception cref="GrammarException">There are too many ways to read the text.</exception>
    public void Constrain(Span<float> logits)
    {
        for (var i = 0; i < ends.Length; i++)
            _endLogits[i] = logits[ends[i]];
        if (!grammar.Constrain(this, logits))
            return;
        for (var i = 0; i < ends.Length; i++)
            logits[ends[i]] = _endLogits[i];
    }
}
