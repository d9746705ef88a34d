namespace Formation.Inference.Engine.Templates;

/// <summary>
/// Order of values as Python's <c>&lt;</c> and <c>sorted</c>: numbers with numbers, text with text, lists element by element.
/// </summary>
internal static class ValueOrder
{
    /// <summary>A comparison while sorting costs about as much time as evaluating this many nodes.</summary>
    const int StepsPerComparison = 4;

    /// <summary>Less than 0, 0 or greater than 0; null where the values are numbers without an order (NaN).</summary>
    public static int? Compare(RenderContext context, TemplateValue left, TemplateValue right)
    {
        switch (left, right)
        {
            case (StringValue a, StringValue b):
                context.ChargeText(Math.Min(a.Value.Length, b.Value.Length));
                return CodePoints.Compare(a.Text, b.Text);
            case (ListValue a, ListValue b) when a.Kind == b.Kind && a.Kind != SequenceKind.Iterator:
                return CompareItems(context, a, b);
            case (UndefinedValue undefined, _):
                throw context.Undefined(undefined);
            case (_, UndefinedValue undefined):
                throw context.Undefined(undefined);
        }
        if (!Numbers.IsNumber(left) || !Numbers.IsNumber(right))
            throw context.Invalid($"{left.TypeName} and {right.TypeName} have no order.");
        return Numbers.TryCompare(left, right, out var order) ? order : null;
    }

    /// <summary>Sorts in place, keeping the order of equal keys.</summary>
    public static void Sort<T>(RenderContext context, List<T> items, Func<T, TemplateValue> key, bool isDescending)
    {
        var keyed = items.Select((item, index) => (Item: item, Key: key(item), Index: index)).ToArray();
        try
        {
            Array.Sort(keyed, (x, y) =>
            {
                context.Charge(StepsPerComparison);
                var order = Compare(context, x.Key, y.Key) ?? 0;
                return order != 0 ? (isDescending ? -order : order) : x.Index.CompareTo(y.Index);
            });
        }
        catch (InvalidOperationException wrapped) when (wrapped.InnerException is TemplateException or OperationCanceledException)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(wrapped.InnerException);
        }
        for (var i = 0; i < keyed.Length; i++)
            items[i] = keyed[i].Item;
    }

    static int? CompareItems(RenderContext context, ListValue left, ListValue right)
    {
        context.Enter();
        int? order = null;
        for (var i = 0; i < Math.Min(left.Items.Count, right.Items.Count) && order is null; i++)
        {
            context.Charge(1);
            if (!ValueEquality.AreEqual(context, left.Items[i], right.Items[i]))
                order = Compare(context, left.Items[i], right.Items[i]) ?? 0;
        }
        context.Leave();
        return order ?? left.Items.Count.CompareTo(right.Items.Count);
    }
}
