using System.Numerics;
using Formation.Inference.Engine.Templates.Builtins;
using Formation.Inference.Engine.Templates.Syntax;

namespace Formation.Inference.Engine.Templates;

/// <summary>Python's operators on template values.</summary>
internal static class Operators
{
    public static TemplateValue Apply(RenderContext context, BinaryOperator op, TemplateValue left, TemplateValue right)
    {
        if (op == BinaryOperator.Concatenate)
            return Concatenate(context, PythonText.Str(context, left), PythonText.Str(context, right));
        if (left is UndefinedValue undefined || (undefined = (right as UndefinedValue)!) is not null)
            throw context.Undefined(undefined);
        var result = op switch
        {
            BinaryOperator.Add => TryAdd(context, left, right),
            BinaryOperator.Multiply => TryRepeat(context, left, right) ?? TryRepeat(context, right, left),
            BinaryOperator.Modulo when left is StringValue format => PercentFormat.Apply(context, format.Value, right),
            _ => null,
        };
        return result
            ?? Arithmetic(context, op, left, right)
            ?? throw context.Invalid($"'{Symbol(op)}' does not work on {left.TypeName} and {right.TypeName}.");
    }

    public static TemplateValue Negate(RenderContext context, TemplateValue value, bool isNegative) => value switch
    {
        FloatValue number => new FloatValue(isNegative ? -number.Value : number.Value, number.IsData),
        UndefinedValue undefined => throw context.Undefined(undefined),
        _ when Numbers.AsInteger(value) is { } integer => new IntegerValue(isNegative ? -integer : integer, Numbers.IsData(value)),
        _ => throw context.Invalid($"a sign does not work on {value.TypeName}."),
    };

    public static bool Compare(RenderContext context, CompareOperator op, TemplateValue left, TemplateValue right) => op switch
    {
        CompareOperator.Equal => ValueEquality.AreEqual(context, left, right),
        CompareOperator.NotEqual => !ValueEquality.AreEqual(context, left, right),
        CompareOperator.In => Contains(context, right, left),
        CompareOperator.NotIn => !Contains(context, right, left),
        CompareOperator.Less => ValueOrder.Compare(context, left, right) < 0,
        CompareOperator.LessOrEqual => ValueOrder.Compare(context, left, right) <= 0,
        CompareOperator.Greater => ValueOrder.Compare(context, left, right) > 0,
        _ => ValueOrder.Compare(context, left, right) >= 0,
    };

    /// <summary><c>item in container</c>.</summary>
    public static bool Contains(RenderContext context, TemplateValue container, TemplateValue item)
    {
        switch (container)
        {
            case StringValue text when item is StringValue part:
                context.ChargeSearch(text.Value.Length, part.Value.Length);
                return text.Text.Contains(part.Text, StringComparison.Ordinal);
            case StringValue:
                throw context.Invalid($"only a string can be 'in' a string, not {item.TypeName}.");
            case ListValue list:
                foreach (var element in list.Items)
                {
                    context.Charge(1);
                    if (ValueEquality.AreEqual(context, element, item))
                        return true;
                }
                return false;
            case DictValue dict:
                return dict.Items.ContainsKey(DictMethods.Key(context, item));
            case UndefinedValue:
                return false;
            default:
                throw context.Invalid($"nothing can be 'in' {container.TypeName}.");
        }
    }

    public static StringValue Concatenate(RenderContext context, MarkedText left, MarkedText right) =>
        new MarkedTextBuilder(context).Append(left).Append(right).BuildValue();

    /// <summary>Text and lists joined; null for numbers. A tool call's arguments join text as the JSON that the caller sent.</summary>
    static TemplateValue? TryAdd(RenderContext context, TemplateValue left, TemplateValue right)
    {
        if (AsText(left) is { } a && AsText(right) is { } b)
            return Concatenate(context, a, b);
        if (left is not ListValue first || right is not ListValue second || first.Kind != second.Kind)
            return null;
        context.CheckCollection(first.Items.Count + (BigInteger)second.Items.Count);
        context.Charge(first.Items.Count + second.Items.Count);
        return new ListValue([.. first.Items, .. second.Items], first.Kind);
    }

    static MarkedText? AsText(TemplateValue value) => value is StringValue text ? text.Value : (value as DictValue)?.SourceText;

    static TemplateValue? TryRepeat(RenderContext context, TemplateValue value, TemplateValue times)
    {
        if (value is not (StringValue or ListValue) || Numbers.AsInteger(times) is not { } count)
            return null;
        count = BigInteger.Max(count, 0);
        if (value is ListValue list)
        {
            context.CheckCollection(list.Items.Count * count);
            context.Charge((long)(list.Items.Count * count));
            var repeats = list.Items.Count == 0 ? 0 : (int)count;
            return new ListValue([.. Enumerable.Repeat(list.Items, repeats).SelectMany(items => items)], list.Kind);
        }
        return new MarkedTextBuilder(context).AppendRepeated(((StringValue)value).Value, count).BuildValue();
    }

    static TemplateValue? Arithmetic(RenderContext context, BinaryOperator op, TemplateValue left, TemplateValue right)
    {
        var isData = Numbers.IsData(left) || Numbers.IsData(right);
        if (Numbers.AsInteger(left) is { } a && Numbers.AsInteger(right) is { } b && op != BinaryOperator.Divide)
        {
            if (op != BinaryOperator.Power || b >= 0)
                return new IntegerValue(CheckSize(context, IntegerArithmetic(context, op, a, b)), isData);
        }
        return Numbers.AsFloat(left) is { } x && Numbers.AsFloat(right) is { } y
            ? new FloatValue(FloatArithmetic(context, op, x, y), isData)
            : null;
    }

    static BigInteger IntegerArithmetic(RenderContext context, BinaryOperator op, BigInteger a, BigInteger b) => op switch
    {
        BinaryOperator.Add => a + b,
        BinaryOperator.Subtract => a - b,
        BinaryOperator.Multiply => a * b,
        BinaryOperator.FloorDivide => FloorDivide(a, NotZero(context, b)),
        BinaryOperator.Modulo => a - FloorDivide(a, NotZero(context, b)) * b,
        _ => Power(context, a, b),
    };

    static double FloatArithmetic(RenderContext context, BinaryOperator op, double x, double y) => op switch
    {
        BinaryOperator.Add => x + y,
        BinaryOperator.Subtract => x - y,
        BinaryOperator.Multiply => x * y,
        BinaryOperator.Divide => x / NotZero(context, y),
        BinaryOperator.FloorDivide => Math.Floor(x / NotZero(context, y)),
        BinaryOperator.Modulo => FloorModulo(x, NotZero(context, y)),
        _ => FloatPower(context, x, y),
    };

    static double FloatPower(RenderContext context, double x, double y)
    {
        if (x < 0 && double.IsFinite(y) && !double.IsInteger(y))
            throw context.Invalid("a power of a negative number has no real value.");
        return Math.Pow(y < 0 ? NotZero(context, x) : x, y);
    }

    static double FloorModulo(double x, double y)
    {
        var remainder = x % y;
        return remainder != 0 && remainder < 0 != y < 0 ? remainder + y : remainder;
    }

    static BigInteger FloorDivide(BigInteger a, BigInteger b)
    {
        var quotient = BigInteger.DivRem(a, b, out var remainder);
        return !remainder.IsZero && remainder.Sign != b.Sign ? quotient - 1 : quotient;
    }

    static BigInteger Power(RenderContext context, BigInteger a, BigInteger b)
    {
        if (BigInteger.Abs(a) > 1 && b * (a.GetBitLength() - 1) > context.Limits.MaxIntegerBits)
            throw IntegerTooLarge(context);
        if (BigInteger.Abs(a) <= 1)
            return b.IsZero ? 1 : a < 0 && b.IsEven ? 1 : a;
        return BigInteger.Pow(a, (int)b);
    }

    public static BigInteger CheckSize(RenderContext context, BigInteger value) =>
        value.GetBitLength() <= context.Limits.MaxIntegerBits ? value : throw IntegerTooLarge(context);

    static TemplateException IntegerTooLarge(RenderContext context) =>
        context.LimitExceeded($"an integer exceeds the limit of {context.Limits.MaxIntegerBits} bits.");

    static BigInteger NotZero(RenderContext context, BigInteger value) => value.IsZero ? throw context.Invalid("division by zero.") : value;

    static double NotZero(RenderContext context, double value) => value == 0 ? throw context.Invalid("division by zero.") : value;

    static string Symbol(BinaryOperator op) => op switch
    {
        BinaryOperator.Add => "+",
        BinaryOperator.Subtract => "-",
        BinaryOperator.Multiply => "*",
        BinaryOperator.Divide => "/",
        BinaryOperator.FloorDivide => "//",
        BinaryOperator.Modulo => "%",
        BinaryOperator.Power => "**",
        _ => "~",
    };
}
