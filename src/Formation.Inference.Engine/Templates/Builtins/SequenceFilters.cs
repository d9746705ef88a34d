namespace Formation.Inference.Engine.Templates.Builtins;

/// <summary>Filters that read or make lists and mappings, and <c>default</c>.</summary>
internal static class SequenceFilters
{
    public static IEnumerable<(string Name, Filter Filter)> All { get; } =
    [
        ("default", Default),
        ("d", Default),
        ("length", Length),
        ("count", Length),
        ("first", First),
        ("last", Last),
        ("list", List),
        ("join", Join),
        ("items", Items),
        ("reverse", Reverse),
        ("attr", Attr),
    ];

    static TemplateValue Default(RenderContext context, TemplateValue input, Arguments arguments)
    {
        var bound = arguments.Bind("default_value", "boolean");
        return input is UndefinedValue || (bound.Boolean(1, false) && !input.IsTruthy) ? bound[0] ?? StringValue.Empty : input;
    }

    static IntegerValue Length(RenderContext context, TemplateValue input, Arguments arguments)
    {
        arguments.BindNone();
        return new IntegerValue(input switch
        {
            StringValue text => CodePoints.Count(text.Text),
            ListValue list => list.Items.Count,
            DictValue dict => dict.Items.Count,
            UndefinedValue => 0,
            _ => throw context.Invalid($"{input.TypeName} has no length."),
        });
    }

    static TemplateValue First(RenderContext context, TemplateValue input, Arguments arguments)
    {
        arguments.BindNone();
        var items = Iteration.Items(context, input);
        return items.Count > 0 ? items[0] : UndefinedValue.Unnamed;
    }

    static TemplateValue Last(RenderContext context, TemplateValue input, Arguments arguments)
    {
        arguments.BindNone();
        var items = Iteration.Items(context, input);
        return items.Count > 0 ? items[^1] : UndefinedValue.Unnamed;
    }

    static ListValue List(RenderContext context, TemplateValue input, Arguments arguments)
    {
        arguments.BindNone();
        return new ListValue([.. Iteration.Items(context, input)]);
    }

    static StringValue Join(RenderContext context, TemplateValue input, Arguments arguments)
    {
        var bound = arguments.Bind("d", "attribute");
        var separator = bound[0] is null ? MarkedText.Empty : PythonText.Str(context, bound[0]!);
        var builder = new MarkedTextBuilder(context);
        var isFirst = true;
        foreach (var item in Iteration.Items(context, input))
        {
            if (!isFirst)
                builder.Append(separator);
            isFirst = false;
            context.Charge(1);
            builder.Append(PythonText.Str(context, bound[1] is null ? item : AttributePath.Get(context, item, bound[1]!)));
        }
        return builder.BuildValue();
    }

    static ListValue Items(RenderContext context, TemplateValue input, Arguments arguments)
    {
        arguments.BindNone();
        return input switch
        {
            UndefinedValue => new ListValue([], SequenceKind.Iterator),
            DictValue dict => new ListValue(DictMethods.Pairs(context, dict), SequenceKind.Iterator),
            _ => throw context.Invalid($"items needs a mapping, not {input.TypeName}."),
        };
    }

    static TemplateValue Reverse(RenderContext context, TemplateValue input, Arguments arguments)
    {
        arguments.BindNone();
        if (input is StringValue)
            return Members.Slice(context, input, null, null, new IntegerValue(-1));
        List<TemplateValue> items = [.. Iteration.Items(context, input)];
        items.Reverse();
        return new ListValue(items, SequenceKind.Iterator);
    }

    /// <summary>An attribute and never an entry, so that <c>x|attr('items')</c> is the method.</summary>
    static TemplateValue Attr(RenderContext context, TemplateValue input, Arguments arguments)
    {
        var name = arguments.Bind("name").Text(0).Text;
        return input is DictValue dict
            ? (TemplateValue?)DictMethods.Find(dict, name) ?? UndefinedValue.Unnamed
            : Members.Attribute(context, input, name);
    }
}
