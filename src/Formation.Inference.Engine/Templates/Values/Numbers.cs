using System.Numerics;

namespace Formation.Inference.Engine.Templates;

/// <summary>Booleans, integers and floats as numbers, in Python's way: a boolean is 0 or 1, and any float makes the result one.</summary>
internal static class Numbers
{
    public static BigInteger? AsInteger(TemplateValue value) => value switch
    {
        IntegerValue integer => integer.Value,
        BooleanValue boolean => boolean.IsTruthy ? BigInteger.One : BigInteger.Zero,
        _ => null,
    };

    public static double? AsFloat(TemplateValue value) => value is FloatValue number ? number.Value : (double?)AsInteger(value);

    public static bool IsNumber(TemplateValue value) => value is NumberValue or BooleanValue;

    public static bool IsData(TemplateValue value) => value is NumberValue { IsData: true };

    /// <summary>The order of two numbers; false where one is not a number or is NaN.</summary>
    public static bool TryCompare(TemplateValue left, TemplateValue right, out int order)
    {
        order = 0;
        if (AsInteger(left) is { } a && AsInteger(right) is { } b)
        {
            order = a.CompareTo(b);
            return true;
        }
        if (AsFloat(left) is not { } x || AsFloat(right) is not { } y || double.IsNaN(x) || double.IsNaN(y))
            return false;
        // A float that is a whole number is compared exactly, so that 2**53 + 1 is not 2.0**53.
        order = double.IsInteger(x) && double.IsInteger(y) ? ToInteger(left, x).CompareTo(ToInteger(right, y)) : x.CompareTo(y);
        return true;
    }

    static BigInteger ToInteger(TemplateValue value, double number) => AsInteger(value) ?? new BigInteger(number);
}
