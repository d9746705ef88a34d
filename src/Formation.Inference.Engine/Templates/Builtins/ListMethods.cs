namespace Formation.Inference.Engine.Templates.Builtins;

/// <summary>Methods of lists. Tuples have only those that do not change them.</summary>
internal static class ListMethods
{
    public static TemplateValue? Find(ListValue list, string name) => name switch
    {
        "index" => new CallableValue(name, (context, arguments) => Index(context, list, arguments)),
        "count" => new CallableValue(name, (context, arguments) => Count(context, list, arguments)),
        _ when list.FieldNames is { } fields && fields.IndexOf(name) is var at && at >= 0 => list.Items[at],
        _ when list.Kind != SequenceKind.List => null,
        "append" => new CallableValue(
            name, (context, arguments) => Insert(context, list, list.Items.Count, arguments.Bind("object").Required(0))),
        "insert" => new CallableValue(name, (context, arguments) => InsertAt(context, list, arguments)),
        "extend" => new CallableValue(name, (context, arguments) => Extend(context, list, arguments)),
        "pop" => new CallableValue(name, (context, arguments) => Pop(context, list, arguments)),
        "remove" => new CallableValue(name, (context, arguments) => Remove(context, list, arguments)),
        "copy" => new CallableValue(name, (context, arguments) => Copy(context, list, arguments)),
        "reverse" => new CallableValue(name, (context, arguments) => Reverse(context, list, arguments)),
        "sort" or "clear" => new CallableValue(name, (context, _) => throw context.Unsupported($"templates here have no list.{name}().")),
        _ => null,
    };

    static int IndexOf(this IReadOnlyList<string> names, string name)
    {
        for (var i = 0; i < names.Count; i++)
        {
            if (names[i] == name)
                return i;
        }
        return -1;
    }

    static IntegerValue Index(RenderContext context, ListValue list, Arguments arguments)
    {
        var at = Find(context, list, arguments.Bind("value").Required(0));
        return at >= 0 ? new IntegerValue(at) : throw context.Invalid("list.index() is given a value that is not in the list.");
    }

    static IntegerValue Count(RenderContext context, ListValue list, Arguments arguments)
    {
        var wanted = arguments.Bind("value").Required(0);
        context.ChargeRead(list);
        return new IntegerValue(list.Items.Count(item => ValueEquality.AreEqual(context, item, wanted)));
    }

    static NoneValue Insert(RenderContext context, ListValue list, int index, TemplateValue value)
    {
        context.CheckCollection(list.Items.Count + 1);
        context.Charge(1);
        list.Items.Insert(index, value);
        return NoneValue.Instance;
    }

    static NoneValue InsertAt(RenderContext context, ListValue list, Arguments arguments)
    {
        var bound = arguments.Bind("index", "object");
        var index = bound.Integer(0, 0);
        context.ChargeRead(list);
        return Insert(context, list, Math.Clamp(index < 0 ? index + list.Items.Count : index, 0, list.Items.Count), bound.Required(1));
    }

    static NoneValue Extend(RenderContext context, ListValue list, Arguments arguments)
    {
        var items = Iteration.Items(context, arguments.Bind("iterable").Required(0)).ToArray();
        context.CheckCollection(list.Items.Count + (long)items.Length);
        context.Charge(items.Length);
        list.Items.AddRange(items);
        return NoneValue.Instance;
    }

    static TemplateValue Pop(RenderContext context, ListValue list, Arguments arguments)
    {
        var index = arguments.Bind("index").Integer(0, -1);
        index = index < 0 ? index + list.Items.Count : index;
        if (index < 0 || index >= list.Items.Count)
            throw context.Invalid("list.pop() is given an index that is not in the list.");
        context.ChargeRead(list);
        var item = list.Items[index];
        list.Items.RemoveAt(index);
        return item;
    }

    static NoneValue Remove(RenderContext context, ListValue list, Arguments arguments)
    {
        var at = Find(context, list, arguments.Bind("value").Required(0));
        if (at < 0)
            throw context.Invalid("list.remove() is given a value that is not in the list.");
        list.Items.RemoveAt(at);
        return NoneValue.Instance;
    }

    static ListValue Copy(RenderContext context, ListValue list, Arguments arguments)
    {
        arguments.BindNone();
        context.ChargeRead(list);
        return new ListValue([.. list.Items]);
    }

    static NoneValue Reverse(RenderContext context, ListValue list, Arguments arguments)
    {
        arguments.BindNone();
        context.ChargeRead(list);
        list.Items.Reverse();
        return NoneValue.Instance;
    }

    static int Find(RenderContext context, ListValue list, TemplateValue wanted)
    {
        context.ChargeRead(list);
        return list.Items.FindIndex(item => ValueEquality.AreEqual(context, item, wanted));
    }
}
