using System.Numerics;

namespace Formation.Inference.Engine.Templates;

/// <summary>
/// Equality as Python's <c>==</c>: numbers and booleans by value across types, text by its characters, collections by elements.
/// </summary>
internal static class ValueEquality
{
    /// <summary>Equality of mapping keys, which are none, booleans, numbers, strings, undefined values or tuples of them.</summary>
    public static IEqualityComparer<TemplateValue> Keys { get; } = new KeyComparer();

    public static bool AreEqual(RenderContext context, TemplateValue left, TemplateValue right)
    {
        if (ReferenceEquals(left, right))
            return left is not FloatValue { Value: double.NaN };
        switch (left, right)
        {
            case (StringValue a, StringValue b):
                context.ChargeText(Math.Min(a.Value.Length, b.Value.Length));
                return a.Text == b.Text;
            case (UndefinedValue, UndefinedValue):
                return true;
            case (ListValue a, ListValue b):
                return a.Kind == b.Kind && a.Items.Count == b.Items.Count && ElementsEqual(context, a, b);
            case (DictValue a, DictValue b):
                return a.Items.Count == b.Items.Count && EntriesEqual(context, a, b);
            default:
                return Numbers.TryCompare(left, right, out var order) && order == 0;
        }
    }

    /// <summary>Whether a value can be a mapping key.</summary>
    public static bool IsHashable(TemplateValue value) => value switch
    {
        NoneValue or BooleanValue or NumberValue or StringValue or UndefinedValue => true,
        ListValue { Kind: SequenceKind.Tuple } tuple =>
            tuple.Items.Count <= 16 && tuple.Items.TrueForAll(item => item is not ListValue && IsHashable(item)),
        _ => false,
    };

    static bool ElementsEqual(RenderContext context, ListValue left, ListValue right)
    {
        context.Enter();
        for (var i = 0; i < left.Items.Count; i++)
        {
            context.Charge(1);
            if (!AreEqual(context, left.Items[i], right.Items[i]))
                return Leave(context, false);
        }
        return Leave(context, true);
    }

    static bool EntriesEqual(RenderContext context, DictValue left, DictValue right)
    {
        context.Enter();
        foreach (var (key, value) in left.Items)
        {
            context.Charge(1);
            if (!right.Items.TryGetValue(key, out var other) || !AreEqual(context, value, other))
                return Leave(context, false);
        }
        return Leave(context, true);
    }

    static bool Leave(RenderContext context, bool result)
    {
        context.Leave();
        return result;
    }

    sealed class KeyComparer : IEqualityComparer<TemplateValue>
    {
        public bool Equals(TemplateValue? x, TemplateValue? y) => (x, y) switch
        {
            (StringValue a, StringValue b) => a.Text == b.Text,
            (ListValue a, ListValue b) =>
                a.Items.Count == b.Items.Count && a.Items.Zip(b.Items).All(pair => Equals(pair.First, pair.Second)),
            (NoneValue, NoneValue) or (UndefinedValue, UndefinedValue) => true,
            (not null, not null) => Numbers.TryCompare(x, y, out var order) && order == 0,
            _ => false,
        };

        public int GetHashCode(TemplateValue value) => value switch
        {
            StringValue text => text.Text.GetHashCode(StringComparison.Ordinal),
            ListValue tuple => tuple.Items.Aggregate(17, (hash, item) => HashCode.Combine(hash, GetHashCode(item))),
            BooleanValue boolean => HashCode.Combine(boolean.IsTruthy ? BigInteger.One : BigInteger.Zero),
            IntegerValue integer => HashCode.Combine(integer.Value),
            FloatValue { Value: var number } => HashCode.Combine(double.IsInteger(number) ? new BigInteger(number) : (object)number),
            _ => 0,
        };
    }
}
