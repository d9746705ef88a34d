namespace Formation.Inference.Engine.Templates;

/// <summary>
/// A chat template that can't be compiled or rendered. The message names what is wrong and where in the template, and never holds
/// text of a message, tool or request variable.
/// </summary>
public sealed class TemplateException : Exception
{
    internal TemplateException(TemplateErrorKind kind, string message, SourcePosition position)
        : base($"Chat template, line {position.Line}, column {position.Column}: {message}")
    {
        Kind = kind;
        Line = position.Line;
        Column = position.Column;
    }

    /// <summary>What class of failure this is.</summary>
    public TemplateErrorKind Kind { get; }

    /// <summary>Line of the template, from 1.</summary>
    public int Line { get; }

    /// <summary>Column in that line in UTF-16 code units, from 1.</summary>
    public int Column { get; }
}

/// <summary>The classes of template failure.</summary>
public enum TemplateErrorKind
{
    /// <summary>The source is not well-formed Jinja.</summary>
    Syntax,

    /// <summary>A tag, filter, test or method that chat templates here do not have.</summary>
    Unsupported,

    /// <summary>A value that does not exist was used as if it did.</summary>
    Undefined,

    /// <summary>An operation on values that do not allow it: wrong types, wrong arguments, division by zero.</summary>
    InvalidOperation,

    /// <summary>The template itself refused the conversation with <c>raise_exception</c>.</summary>
    Raised,

    /// <summary>A limit of <see cref="ChatTemplateLimits"/> was reached.</summary>
    LimitExceeded,

    /// <summary>The conversation, tools or variables can't be given to a template.</summary>
    InvalidInput,
}
