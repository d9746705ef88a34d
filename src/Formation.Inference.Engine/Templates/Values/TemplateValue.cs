using System.Numerics;

namespace Formation.Inference.Engine.Templates;

/// <summary>
/// A value of a template. Templates see these types and no others: there is no way from one to a .NET object, member or type.
/// </summary>
internal abstract class TemplateValue
{
    /// <summary>The name of the Python type that it stands for, for error messages.</summary>
    public abstract string TypeName { get; }

    /// <summary>Whether Python would call it true.</summary>
    public virtual bool IsTruthy => true;
}

/// <summary>A value that does not exist: prints as nothing, has no elements, and fails in any other use.</summary>
/// <param name="name">The variable or attribute as the template's source names it, or null.</param>
internal sealed class UndefinedValue(string? name) : TemplateValue
{
    public static UndefinedValue Unnamed { get; } = new(null);

    public string Description => name is null ? "a value" : name.Length <= 60 ? $"'{name}'" : "a long name";

    public override string TypeName => "Undefined";

    public override bool IsTruthy => false;
}

internal sealed class NoneValue : TemplateValue
{
    NoneValue() { }

    public static NoneValue Instance { get; } = new();

    public override string TypeName => "NoneType";

    public override bool IsTruthy => false;
}

internal sealed class BooleanValue : TemplateValue
{
    readonly bool _value;

    BooleanValue(bool value) => _value = value;

    public static BooleanValue True { get; } = new(true);

    public static BooleanValue False { get; } = new(false);

    public static BooleanValue Of(bool value) => value ? True : False;

    public override string TypeName => "bool";

    public override bool IsTruthy => _value;
}

/// <summary>A number; its digits count as data where it came from data or was reckoned from such a number.</summary>
internal abstract class NumberValue(bool isData) : TemplateValue
{
    public bool IsData => isData;
}

internal sealed class IntegerValue(BigInteger value, bool isData = false) : NumberValue(isData)
{
    public BigInteger Value => value;

    public override string TypeName => "int";

    public override bool IsTruthy => !value.IsZero;
}

internal sealed class FloatValue(double value, bool isData = false) : NumberValue(isData)
{
    public double Value => value;

    public override string TypeName => "float";

    public override bool IsTruthy => value != 0;
}

internal sealed class StringValue(MarkedText value) : TemplateValue
{
    public static StringValue Empty { get; } = new(MarkedText.Empty);

    public MarkedText Value => value;

    public string Text => value.Text;

    public static StringValue Template(string text) => new(MarkedText.Template(text));

    public static StringValue Data(string text) => new(MarkedText.Data(text));

    public override string TypeName => "str";

    public override bool IsTruthy => value.Length > 0;
}

/// <summary>The kinds of ordered elements, which print and test differently.</summary>
internal enum SequenceKind
{
    List,
    Tuple,

    /// <summary>What a filter gives that is a generator in Python: always true, not a sequence, else used like a list.</summary>
    Iterator,
}

internal sealed class ListValue(List<TemplateValue> items, SequenceKind kind = SequenceKind.List) : TemplateValue
{
    public List<TemplateValue> Items => items;

    public SequenceKind Kind => kind;

    /// <summary>Names of a tuple's elements, or null.</summary>
    public IReadOnlyList<string>? FieldNames { get; init; }

    public override string TypeName => kind switch { SequenceKind.List => "list", SequenceKind.Tuple => "tuple", _ => "generator" };

    public override bool IsTruthy => kind == SequenceKind.Iterator || items.Count > 0;

    public static ListValue Tuple(params List<TemplateValue> items) => new(items, SequenceKind.Tuple);
}

/// <summary>A mapping in insertion order.</summary>
internal sealed class DictValue(OrderedDictionary<TemplateValue, TemplateValue> items) : TemplateValue
{
    public DictValue() : this(new OrderedDictionary<TemplateValue, TemplateValue>(ValueEquality.Keys)) { }

    public OrderedDictionary<TemplateValue, TemplateValue> Items => items;

    /// <summary>
    /// For a tool call's arguments: the JSON text that the caller sent. Templates disagree on whether arguments are a mapping or JSON
    /// text, so such a value is a mapping that turns to this text where text is asked for. Null once the mapping is changed.
    /// </summary>
    public MarkedText? SourceText { get; set; }

    public override string TypeName => "dict";

    public override bool IsTruthy => items.Count > 0;
}

/// <summary><c>namespace(…)</c>: the one value whose attributes a template can set.</summary>
internal sealed class NamespaceValue : TemplateValue
{
    public Dictionary<string, TemplateValue> Attributes { get; } = new(StringComparer.Ordinal);

    public override string TypeName => "Namespace";
}

/// <summary>A macro, global function or method.</summary>
/// <param name="name">Its name as templates know it.</param>
/// <param name="invoke">What it does.</param>
internal sealed class CallableValue(string name, Func<RenderContext, Arguments, TemplateValue> invoke) : TemplateValue
{
    public string Name => name;

    /// <summary>What else it answers to besides being called, for macros and cyclers, or null.</summary>
    public Func<string, TemplateValue?>? Attributes { get; init; }

    public override string TypeName => "function";

    public TemplateValue Invoke(RenderContext context, Arguments arguments) => invoke(context, arguments);
}
