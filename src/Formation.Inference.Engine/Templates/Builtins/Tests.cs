using System.Collections.Frozen;
using Formation.Inference.Engine.Templates.Syntax;

namespace Formation.Inference.Engine.Templates.Builtins;

/// <summary>Tests: <c>value is name(arguments)</c>.</summary>
internal static class Tests
{
    delegate bool Test(RenderContext context, TemplateValue value, Arguments arguments);

    static readonly FrozenDictionary<string, Test> ByName = new Dictionary<string, Test>(StringComparer.Ordinal)
    {
        ["defined"] = OfValue(value => value is not UndefinedValue),
        ["undefined"] = OfValue(value => value is UndefinedValue),
        ["none"] = OfValue(value => value is NoneValue),
        ["true"] = OfValue(value => value == BooleanValue.True),
        ["false"] = OfValue(value => value == BooleanValue.False),
        ["boolean"] = OfValue(value => value is BooleanValue),
        ["integer"] = OfValue(value => value is IntegerValue),
        ["float"] = OfValue(value => value is FloatValue),
        ["number"] = OfValue(Numbers.IsNumber),
        ["string"] = OfValue(value => value is StringValue),
        ["mapping"] = OfValue(value => value is DictValue),
        ["iterable"] = OfValue(Iteration.IsIterable),
        ["sequence"] = OfValue(
            value => value is StringValue or DictValue or UndefinedValue or ListValue { Kind: not SequenceKind.Iterator }),
        ["callable"] = OfValue(value => value is CallableValue or LoopValue),
        // Output is a prompt, not HTML: nothing is ever marked as escaped.
        ["escaped"] = OfValue(_ => false),
        ["lower"] = (context, value, arguments) => HasCase(context, value, arguments, char.IsLower, char.IsUpper),
        ["upper"] = (context, value, arguments) => HasCase(context, value, arguments, char.IsUpper, char.IsLower),
        ["odd"] = (context, value, arguments) => Remainder(context, value, arguments, 2) == 1,
        ["even"] = (context, value, arguments) => Remainder(context, value, arguments, 2) == 0,
        ["divisibleby"] = DivisibleBy,
        ["sameas"] = SameAs,
        ["filter"] = (_, value, _) => value is StringValue name && Filters.Exists(name.Text),
        ["test"] = (_, value, _) => value is StringValue name && Exists(name.Text),
        ["in"] = Comparing(CompareOperator.In),
        ["eq"] = Comparing(CompareOperator.Equal),
        ["equalto"] = Comparing(CompareOperator.Equal),
        ["=="] = Comparing(CompareOperator.Equal),
        ["ne"] = Comparing(CompareOperator.NotEqual),
        ["!="] = Comparing(CompareOperator.NotEqual),
        ["lt"] = Comparing(CompareOperator.Less),
        ["lessthan"] = Comparing(CompareOperator.Less),
        ["<"] = Comparing(CompareOperator.Less),
        ["le"] = Comparing(CompareOperator.LessOrEqual),
        ["<="] = Comparing(CompareOperator.LessOrEqual),
        ["gt"] = Comparing(CompareOperator.Greater),
        ["greaterthan"] = Comparing(CompareOperator.Greater),
        [">"] = Comparing(CompareOperator.Greater),
        ["ge"] = Comparing(CompareOperator.GreaterOrEqual),
        [">="] = Comparing(CompareOperator.GreaterOrEqual),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    static bool Exists(string name) => ByName.ContainsKey(name);

    public static bool Apply(RenderContext context, string name, TemplateValue value, Arguments arguments)
    {
        if (!ByName.TryGetValue(name, out var test))
            throw context.Unsupported($"there is no test '{(name.Length <= 40 ? name : "with such a long name")}'.");
        context.Charge(1);
        return test(context, value, arguments);
    }

    static Test OfValue(Func<TemplateValue, bool> test) => (_, value, arguments) =>
    {
        arguments.BindNone();
        return test(value);
    };

    static Test Comparing(CompareOperator op) => (context, value, arguments) =>
        Operators.Compare(context, op, value, arguments.Bind("other").Required(0));

    /// <summary>Whether there are letters with case, all of them in the wanted one.</summary>
    static bool HasCase(
        RenderContext context, TemplateValue value, Arguments arguments, Func<char, bool> isWanted, Func<char, bool> isOther)
    {
        arguments.BindNone();
        var text = PythonText.Str(context, value);
        context.ChargeText(text.Length);
        return text.Text.Any(isWanted) && !text.Text.Any(isOther);
    }

    static bool DivisibleBy(RenderContext context, TemplateValue value, Arguments arguments) =>
        !Operators.Apply(context, BinaryOperator.Modulo, value, arguments.Bind("num").Required(0)).IsTruthy;

    static int Remainder(RenderContext context, TemplateValue value, Arguments arguments, int divisor)
    {
        arguments.BindNone();
        if (!Numbers.IsNumber(value))
            throw value is UndefinedValue undefined
                ? context.Undefined(undefined)
                : context.Invalid($"odd and even need a number, not {value.TypeName}.");
        var remainder = Operators.Apply(context, BinaryOperator.Modulo, value, new IntegerValue(divisor));
        return Numbers.AsFloat(remainder) switch { 0 => 0, 1 => 1, _ => -1 };
    }

    /// <summary>Python's <c>is</c>: the same object, which for none, booleans and small values is the same value.</summary>
    static bool SameAs(RenderContext context, TemplateValue value, Arguments arguments)
    {
        var other = arguments.Bind("other").Required(0);
        return ReferenceEquals(value, other)
            || (value.GetType() == other.GetType() && value is NumberValue or StringValue && ValueEquality.AreEqual(context, value, other));
    }
}
