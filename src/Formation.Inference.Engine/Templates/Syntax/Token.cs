using System.Numerics;

namespace Formation.Inference.Engine.Templates.Syntax;

internal enum TokenKind
{
    /// <summary>Text outside tags, white space control applied.</summary>
    Data,
    OutputBegin,
    OutputEnd,
    BlockBegin,
    BlockEnd,
    Name,
    String,
    Integer,
    Float,
    Operator,
    End,
}

/// <summary>One token of a template.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">The text of data, name or operator; a string's value with its escapes resolved.</param>
/// <param name="Position">Where it starts.</param>
internal readonly record struct Token(TokenKind Kind, string Text, SourcePosition Position)
{
    public BigInteger Integer { get; init; }

    public double Float { get; init; }

    public bool IsOperator(string text) => Kind == TokenKind.Operator && Text == text;

    public bool IsName(string text) => Kind == TokenKind.Name && Text == text;

    /// <summary>The token in the words of an error message; strings and data are not quoted, since they may be long.</summary>
    public string Describe() => Kind switch
    {
        TokenKind.Data => "text",
        TokenKind.OutputBegin => "'{{'",
        TokenKind.OutputEnd => "'}}'",
        TokenKind.BlockBegin => "'{%'",
        TokenKind.BlockEnd => "'%}'",
        TokenKind.Name => Text.Length <= 40 ? $"'{Text}'" : "a long name",
        TokenKind.String => "a string",
        TokenKind.Integer or TokenKind.Float => "a number",
        TokenKind.Operator => $"'{Text}'",
        _ => "the end of the template",
    };
}
