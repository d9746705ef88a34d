namespace Formation.Inference.Engine.Templates.Syntax;

/// <summary>A statement of a template.</summary>
internal abstract record Statement(SourcePosition Position);

/// <summary>Text outside tags.</summary>
internal sealed record TextStatement(MarkedText Text, SourcePosition Position) : Statement(Position);

/// <summary><c>{{ value }}</c></summary>
internal sealed record OutputStatement(Expression Value, SourcePosition Position) : Statement(Position);

internal sealed record IfStatement(
    IReadOnlyList<(Expression Test, IReadOnlyList<Statement> Body)> Branches,
    IReadOnlyList<Statement> Otherwise,
    SourcePosition Position) : Statement(Position);

internal sealed record ForStatement(
    AssignmentTarget Target,
    Expression Iterable,
    Expression? Filter,
    bool IsRecursive,
    IReadOnlyList<Statement> Body,
    IReadOnlyList<Statement> Otherwise,
    SourcePosition Position) : Statement(Position);

internal sealed record SetStatement(AssignmentTarget Target, Expression Value, SourcePosition Position) : Statement(Position);

/// <summary><c>{% set target | filters %}body{% endset %}</c></summary>
internal sealed record SetBlockStatement(
    AssignmentTarget Target, FilterExpression? Filter, IReadOnlyList<Statement> Body, SourcePosition Position)
    : Statement(Position);

internal sealed record MacroStatement(string Name, MacroSignature Signature, SourcePosition Position) : Statement(Position);

/// <summary><c>{% call(parameters) target(arguments) %}body{% endcall %}</c>: the body is given to the target as <c>caller</c>.</summary>
internal sealed record CallStatement(CallExpression Call, MacroSignature Caller, SourcePosition Position) : Statement(Position);

internal sealed record FilterStatement(FilterExpression Filter, IReadOnlyList<Statement> Body, SourcePosition Position)
    : Statement(Position);

internal sealed record WithStatement(
    IReadOnlyList<(AssignmentTarget Target, Expression Value)> Assignments,
    IReadOnlyList<Statement> Body,
    SourcePosition Position) : Statement(Position);

/// <summary><c>{% generation %}</c>, which marks the assistant's text for training; rendering it is rendering its body.</summary>
internal sealed record GenerationStatement(IReadOnlyList<Statement> Body, SourcePosition Position) : Statement(Position);

internal sealed record BreakStatement(SourcePosition Position) : Statement(Position);

internal sealed record ContinueStatement(SourcePosition Position) : Statement(Position);

/// <summary>Parameters and body of a macro or of the body of a call block.</summary>
/// <param name="UsesVarargs">Whether the body names <c>varargs</c>, and so takes more positional arguments than it has parameters.</param>
/// <param name="UsesKwargs">Whether the body names <c>kwargs</c>, and so takes named arguments that it has no parameter for.</param>
internal sealed record MacroSignature(
    IReadOnlyList<(string Name, Expression? Default)> Parameters,
    IReadOnlyList<Statement> Body,
    bool UsesVarargs,
    bool UsesKwargs,
    bool UsesCaller);

/// <summary>What <c>set</c>, <c>for</c> and <c>with</c> assign to.</summary>
internal abstract record AssignmentTarget(SourcePosition Position);

internal sealed record NameTarget(string Name, SourcePosition Position) : AssignmentTarget(Position);

/// <summary><c>name.attribute</c> of a namespace.</summary>
internal sealed record NamespaceTarget(string Name, string Attribute, SourcePosition Position) : AssignmentTarget(Position);

internal sealed record TupleTarget(IReadOnlyList<AssignmentTarget> Items, SourcePosition Position) : AssignmentTarget(Position);
