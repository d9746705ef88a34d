namespace Formation.Inference.Engine.Templates;

/// <summary>The variable <c>loop</c> of a for loop.</summary>
/// <param name="items">What the loop goes over, its filter applied.</param>
/// <param name="depth">How many recursive loops stand around it.</param>
/// <param name="recurse">What <c>loop(…)</c> does in a recursive loop, or null.</param>
internal sealed class LoopValue(
    List<TemplateValue> items, int depth, Func<RenderContext, TemplateValue, TemplateValue>? recurse) : TemplateValue
{
    TemplateValue? _lastChecked;

    /// <summary>The current iteration, from 0.</summary>
    public int Index { get; set; }

    public override string TypeName => "LoopContext";

    public TemplateValue? Attribute(string name) => name switch
    {
        "index" => Integer(Index + 1),
        "index0" => Integer(Index),
        "revindex" => Integer(items.Count - Index),
        "revindex0" => Integer(items.Count - Index - 1),
        "first" => BooleanValue.Of(Index == 0),
        "last" => BooleanValue.Of(Index == items.Count - 1),
        "length" => Integer(items.Count),
        "depth" => Integer(depth + 1),
        "depth0" => Integer(depth),
        "previtem" => Index > 0 ? items[Index - 1] : UndefinedValue.Unnamed,
        "nextitem" => Index + 1 < items.Count ? items[Index + 1] : UndefinedValue.Unnamed,
        "cycle" => new CallableValue("loop.cycle", Cycle),
        "changed" => new CallableValue("loop.changed", Changed),
        _ => null,
    };

    public TemplateValue Invoke(RenderContext context, Arguments arguments)
    {
        if (recurse is null)
            throw context.Invalid("'loop' can be called only in a loop that is marked 'recursive'.");
        return recurse(context, arguments.Bind("iterable").Required(0));
    }

    TemplateValue Cycle(RenderContext context, Arguments arguments) =>
        arguments.Positional.Count > 0
            ? arguments.Positional[Index % arguments.Positional.Count]
            : throw context.Invalid("loop.cycle needs values.");

    BooleanValue Changed(RenderContext context, Arguments arguments)
    {
        var current = ListValue.Tuple([.. arguments.Positional]);
        var isChanged = _lastChecked is null || !ValueEquality.AreEqual(context, _lastChecked, current);
        _lastChecked = current;
        return BooleanValue.Of(isChanged);
    }

    static IntegerValue Integer(int value) => new(value);
}
