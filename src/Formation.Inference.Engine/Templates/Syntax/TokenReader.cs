namespace Formation.Inference.Engine.Templates.Syntax;

/// <summary>A cursor over a template's tokens with the parser's limit on depth.</summary>
internal sealed class TokenReader(List<Token> tokens, int maxDepth)
{
    int _at;
    int _depth;

    public Token Current => tokens[_at];

    /// <summary>How many tokens are read; where a macro's body starts, to ask which names it uses.</summary>
    public int Offset => _at;

    public Token Peek() => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    public Token Next()
    {
        var token = tokens[_at];
        if (_at < tokens.Count - 1)
            _at++;
        return token;
    }

    public bool SkipOperator(string text) => Skip(Current.IsOperator(text));

    public bool SkipName(string text) => Skip(Current.IsName(text));

    public Token ExpectOperator(string text) => Current.IsOperator(text) ? Next() : throw Unexpected($"'{text}'");

    public Token Expect(TokenKind kind, string description) => Current.Kind == kind ? Next() : throw Unexpected(description);

    public void ExpectName(string text)
    {
        if (!SkipName(text))
            throw Unexpected($"'{text}'");
    }

    /// <summary>Whether a name stands among the tokens from <paramref name="start"/> to the cursor.</summary>
    public bool HasName(string name, int start)
    {
        for (var i = start; i < _at; i++)
        {
            if (tokens[i].IsName(name))
                return true;
        }
        return false;
    }

    /// <summary>Goes one level down in the source's nesting; every call is paired with <see cref="Leave"/>.</summary>
    public void Enter()
    {
        if (++_depth > maxDepth)
            throw TooDeep();
    }

    public void Leave() => _depth--;

    /// <summary>Counts one more operator in a chain such as <c>a + b + c</c>, which nests in the tree though not in the source.</summary>
    public void CountLink(ref int links)
    {
        if (++links > maxDepth)
            throw TooDeep();
    }

    public TemplateException Unexpected(string expected) => Error($"expected {expected}, found {Current.Describe()}.");

    public TemplateException Error(string message) => new(TemplateErrorKind.Syntax, message, Current.Position);

    bool Skip(bool matches)
    {
        if (matches)
            Next();
        return matches;
    }

    TemplateException TooDeep() =>
        new(TemplateErrorKind.LimitExceeded, $"tags and expressions nest deeper than the limit of {maxDepth}.", Current.Position);
}
