namespace Formation.Inference.Engine.Templates.Syntax;

/// <summary>An expression of a template.</summary>
internal abstract record Expression(SourcePosition Position);

/// <summary>A constant: string, number, boolean or none.</summary>
internal sealed record LiteralExpression(TemplateValue Value, SourcePosition Position) : Expression(Position);

internal sealed record NameExpression(string Name, SourcePosition Position) : Expression(Position);

internal sealed record ListExpression(IReadOnlyList<Expression> Items, bool IsTuple, SourcePosition Position) : Expression(Position);

internal sealed record DictExpression(IReadOnlyList<(Expression Key, Expression Value)> Items, SourcePosition Position)
    : Expression(Position);

/// <summary><c>-x</c> or <c>+x</c>.</summary>
internal sealed record SignExpression(bool IsNegative, Expression Operand, SourcePosition Position) : Expression(Position);

internal sealed record NotExpression(Expression Operand, SourcePosition Position) : Expression(Position);

/// <summary><c>and</c> or <c>or</c>; gives the operand that decided, as Python does.</summary>
internal sealed record LogicalExpression(bool IsAnd, Expression Left, Expression Right, SourcePosition Position) : Expression(Position);

internal sealed record BinaryExpression(BinaryOperator Operator, Expression Left, Expression Right, SourcePosition Position)
    : Expression(Position);

/// <summary>One comparison or a chain of them: <c>a &lt; b &lt;= c</c> holds when each pair does.</summary>
internal sealed record CompareExpression(
    Expression First, IReadOnlyList<(CompareOperator Operator, Expression Operand)> Rest, SourcePosition Position)
    : Expression(Position);

/// <summary><c>then if test else otherwise</c>; without an else part the value is undefined when the test fails.</summary>
internal sealed record ConditionalExpression(Expression Test, Expression Then, Expression? Otherwise, SourcePosition Position)
    : Expression(Position);

/// <summary><c>target.name</c></summary>
internal sealed record AttributeExpression(Expression Target, string Name, SourcePosition Position) : Expression(Position);

/// <summary><c>target[key]</c></summary>
internal sealed record ItemExpression(Expression Target, Expression Key, SourcePosition Position) : Expression(Position);

/// <summary><c>target[start:stop:step]</c></summary>
internal sealed record SliceExpression(Expression Target, Expression? Start, Expression? Stop, Expression? Step, SourcePosition Position)
    : Expression(Position);

internal sealed record CallExpression(Expression Target, ArgumentList Arguments, SourcePosition Position) : Expression(Position);

/// <summary><c>input|name(arguments)</c>; the input is null where a block is filtered.</summary>
internal sealed record FilterExpression(Expression? Input, string Name, ArgumentList Arguments, SourcePosition Position)
    : Expression(Position);

/// <summary><c>input is name(arguments)</c></summary>
internal sealed record TestExpression(Expression Input, string Name, bool IsNegated, ArgumentList Arguments, SourcePosition Position)
    : Expression(Position);

/// <summary>Arguments of a call, filter or test: positional, named, <c>*list</c> and <c>**mapping</c>.</summary>
internal sealed record ArgumentList(
    IReadOnlyList<Expression> Positional,
    IReadOnlyList<(string Name, Expression Value)> Named,
    Expression? Spread,
    Expression? NamedSpread)
{
    public static ArgumentList Empty { get; } = new([], [], null, null);
}

internal enum BinaryOperator
{
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,

    /// <summary><c>~</c>: both sides as text.</summary>
    Concatenate,
}

internal enum CompareOperator
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}
