namespace Formation.Inference.Engine.Templates.Builtins;

/// <summary>Methods of mappings.</summary>
internal static class DictMethods
{
    /// <summary>Adding an entry costs about as much time as evaluating this many nodes.</summary>
    const int StepsPerInsertion = 4;

    /// <summary>
    /// The method of this name, or null. Every method of Python's dict hides an entry of its name from <c>value.name</c>.
    /// </summary>
    public static CallableValue? Find(DictValue dict, string name) => name switch
    {
        "get" => new(name, (context, arguments) => Get(context, dict, arguments)),
        "keys" => new(name, (context, arguments) => Listed(context, dict, arguments, () => [.. dict.Items.Keys])),
        "values" => new(name, (context, arguments) => Listed(context, dict, arguments, () => [.. dict.Items.Values])),
        "items" => new(name, (context, arguments) => Listed(context, dict, arguments, () => Pairs(context, dict))),
        "copy" => new(name, (context, arguments) => Copy(context, dict, arguments)),
        "update" => new(name, (context, arguments) => Updated(context, dict, arguments)),
        "setdefault" => new(name, (context, arguments) => SetDefault(context, dict, arguments)),
        "pop" => new(name, (context, arguments) => Pop(context, dict, arguments)),
        "popitem" or "clear" or "fromkeys" => new(
            name, (context, _) => throw context.Unsupported($"templates here have no dict.{name}().")),
        _ => null,
    };

    /// <summary>A value as a mapping key.</summary>
    public static TemplateValue Key(RenderContext context, TemplateValue key)
    {
        context.ChargeRead(key);
        return ValueEquality.IsHashable(key) ? key : throw context.Invalid($"{key.TypeName} can't be a key of a mapping.");
    }

    public static List<TemplateValue> Pairs(RenderContext context, DictValue dict)
    {
        context.ChargeObjects(dict.Items.Count);
        return [.. dict.Items.Select(pair => ListValue.Tuple(pair.Key, pair.Value))];
    }

    public static void Set(RenderContext context, DictValue dict, TemplateValue key, TemplateValue value)
    {
        context.CheckCollection(dict.Items.Count + 1);
        context.Charge(StepsPerInsertion);
        dict.SourceText = null;
        dict.Items[Key(context, key)] = value;
    }

    /// <summary>Adds what <c>dict(…)</c> and <c>update(…)</c> are given: a mapping or pairs, and named arguments.</summary>
    public static void Update(RenderContext context, DictValue dict, Arguments arguments)
    {
        if (arguments.Positional.Count > 1)
            throw context.Invalid($"{arguments.Callee} takes at most one mapping.");
        if (arguments.Positional.Count == 1)
            AddAll(context, dict, arguments.Positional[0]);
        foreach (var (name, value) in arguments.Named)
            Set(context, dict, StringValue.Data(name), value);
    }

    static void AddAll(RenderContext context, DictValue dict, TemplateValue source)
    {
        if (source is DictValue other)
        {
            foreach (var (key, value) in other.Items.ToArray())
                Set(context, dict, key, value);
            return;
        }
        foreach (var pair in Iteration.Items(context, source))
        {
            if (pair is not ListValue { Items: [var key, var value] })
                throw context.Invalid("a mapping is made of pairs.");
            Set(context, dict, key, value);
        }
    }

    static TemplateValue Get(RenderContext context, DictValue dict, Arguments arguments)
    {
        var bound = arguments.Bind("key", "default");
        return dict.Items.TryGetValue(Key(context, bound.Required(0)), out var value) ? value : bound[1] ?? NoneValue.Instance;
    }

    static ListValue Listed(RenderContext context, DictValue dict, Arguments arguments, Func<List<TemplateValue>> items)
    {
        arguments.BindNone();
        context.ChargeRead(dict);
        return new ListValue(items());
    }

    static DictValue Copy(RenderContext context, DictValue dict, Arguments arguments)
    {
        arguments.BindNone();
        context.Charge(dict.Items.Count * (long)StepsPerInsertion);
        return new DictValue(new OrderedDictionary<TemplateValue, TemplateValue>(dict.Items, ValueEquality.Keys));
    }

    static NoneValue Updated(RenderContext context, DictValue dict, Arguments arguments)
    {
        Update(context, dict, arguments);
        return NoneValue.Instance;
    }

    static TemplateValue SetDefault(RenderContext context, DictValue dict, Arguments arguments)
    {
        var bound = arguments.Bind("key", "default");
        var key = Key(context, bound.Required(0));
        if (dict.Items.TryGetValue(key, out var value))
            return value;
        value = bound[1] ?? NoneValue.Instance;
        Set(context, dict, key, value);
        return value;
    }

    static TemplateValue Pop(RenderContext context, DictValue dict, Arguments arguments)
    {
        var bound = arguments.Bind("key", "default");
        context.ChargeRead(dict);
        dict.SourceText = null;
        if (dict.Items.Remove(Key(context, bound.Required(0)), out var value))
            return value;
        return bound[1] ?? throw context.Invalid("dict.pop() is given a key that is not there, and no default.");
    }
}
