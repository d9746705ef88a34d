namespace Formation.Inference.Engine.Templates.Builtins;

/// <summary>Filters that apply an attribute, another filter or a test to each element.</summary>
internal static class SelectionFilters
{
    public static IEnumerable<(string Name, Filter Filter)> All { get; } =
    [
        ("map", Map),
        ("select", (context, input, arguments) => Select(context, input, arguments, keep: true)),
        ("reject", (context, input, arguments) => Select(context, input, arguments, keep: false)),
        ("selectattr", (context, input, arguments) => SelectByAttribute(context, input, arguments, keep: true)),
        ("rejectattr", (context, input, arguments) => SelectByAttribute(context, input, arguments, keep: false)),
    ];

    /// <summary>What these filters go over; nothing where the input is false, whatever its type.</summary>
    static List<TemplateValue> Elements(RenderContext context, TemplateValue input) =>
        input.IsTruthy ? Iteration.Items(context, input) : [];

    static ListValue Map(RenderContext context, TemplateValue input, Arguments arguments)
    {
        var mapped = new List<TemplateValue>();
        if (arguments.Positional.Count == 0)
        {
            var bound = arguments.Bind("attribute", "default");
            var path = bound.Required(0);
            foreach (var item in Elements(context, input))
                Add(context, mapped, AttributePath.Get(context, item, path, bound[1]));
        }
        else
        {
            var (name, rest) = Split(context, arguments, 0);
            foreach (var item in Elements(context, input))
                Add(context, mapped, Filters.Apply(context, name, item, rest));
        }
        return new ListValue(mapped, SequenceKind.Iterator);
    }

    static ListValue Select(RenderContext context, TemplateValue input, Arguments arguments, bool keep)
    {
        var predicate = Predicate(context, arguments, 0);
        return Where(context, input, item => predicate(item) == keep);
    }

    static ListValue SelectByAttribute(RenderContext context, TemplateValue input, Arguments arguments, bool keep)
    {
        if (arguments.Positional.Count == 0)
            throw context.Invalid($"{arguments.Callee} needs the name of an attribute.");
        var path = arguments.Positional[0];
        var predicate = Predicate(context, arguments, 1);
        return Where(context, input, item => predicate(AttributePath.Get(context, item, path)) == keep);
    }

    static ListValue Where(RenderContext context, TemplateValue input, Func<TemplateValue, bool> predicate)
    {
        var chosen = new List<TemplateValue>();
        foreach (var item in Elements(context, input))
        {
            context.Charge(1);
            if (predicate(item))
                Add(context, chosen, item);
        }
        return new ListValue(chosen, SequenceKind.Iterator);
    }

    /// <summary>The test that the arguments from <paramref name="index"/> on name; truth itself where they name none.</summary>
    static Func<TemplateValue, bool> Predicate(RenderContext context, Arguments arguments, int index)
    {
        if (arguments.Positional.Count <= index)
            return item => item.IsTruthy;
        var (name, rest) = Split(context, arguments, index);
        return item => Tests.Apply(context, name, item, rest);
    }

    static (string Name, Arguments Remaining) Split(RenderContext context, Arguments arguments, int index)
    {
        if (arguments.Positional[index] is not StringValue name)
            throw context.Invalid($"{arguments.Callee} needs the name of a filter or test as a string.");
        // A name that data holds would be told in an error.
        if (!name.Value.IsTemplate)
            throw context.Invalid($"{arguments.Callee} takes the name of a filter or test from the template, not from data.");
        return (name.Text, new Arguments(context, name.Text, [.. arguments.Positional.Skip(index + 1)], arguments.Named));
    }

    static void Add(RenderContext context, List<TemplateValue> items, TemplateValue item)
    {
        context.Charge(1);
        items.Add(item);
    }
}
