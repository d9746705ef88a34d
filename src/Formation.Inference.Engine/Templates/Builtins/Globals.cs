using System.Numerics;

namespace Formation.Inference.Engine.Templates.Builtins;

/// <summary>The functions that every template can call: Jinja's own without <c>lipsum</c>, and the two that Hugging Face adds.</summary>
internal static class Globals
{
    public static IReadOnlyDictionary<string, CallableValue> All { get; } = new[]
    {
        new CallableValue("range", Range),
        new CallableValue("dict", Dict),
        new CallableValue("namespace", Namespace),
        new CallableValue("cycler", Cycler),
        new CallableValue("joiner", Joiner),
        new CallableValue("raise_exception", RaiseException),
        new CallableValue("strftime_now", StrftimeNow),
    }.ToDictionary(function => function.Name, StringComparer.Ordinal);

    static ListValue Range(RenderContext context, Arguments arguments)
    {
        var bound = arguments.Bind("start", "stop", "step");
        var first = RangeBound(context, bound.Required(0));
        var (start, stop) = bound[1] is null ? (BigInteger.Zero, first) : (first, RangeBound(context, bound[1]!));
        var step = bound[2] is null ? BigInteger.One : RangeBound(context, bound[2]!);
        if (step.IsZero)
            throw context.Invalid("range needs a step that is not 0.");
        var span = step.Sign > 0 ? stop - start : start - stop;
        var count = span.Sign <= 0 ? 0 : (span - 1) / BigInteger.Abs(step) + 1;
        context.CheckCollection(count);
        context.Charge((long)count);
        var items = new List<TemplateValue>((int)count);
        for (var value = start; items.Count < count; value += step)
            items.Add(new IntegerValue(value));
        return new ListValue(items);
    }

    static BigInteger RangeBound(RenderContext context, TemplateValue value) => value switch
    {
        UndefinedValue undefined => throw context.Undefined(undefined),
        _ => Numbers.AsInteger(value) ?? throw context.Invalid($"range needs integers, not {value.TypeName}."),
    };

    static DictValue Dict(RenderContext context, Arguments arguments)
    {
        var dict = new DictValue();
        DictMethods.Update(context, dict, arguments);
        return dict;
    }

    static NamespaceValue Namespace(RenderContext context, Arguments arguments)
    {
        var initial = new DictValue();
        DictMethods.Update(context, initial, arguments);
        var space = new NamespaceValue();
        foreach (var (key, value) in initial.Items)
            space.Attributes[key is StringValue name ? name.Text : throw context.Invalid("a namespace's attributes have names.")] = value;
        return space;
    }

    static CallableValue Cycler(RenderContext context, Arguments arguments)
    {
        var values = arguments.Positional;
        if (values.Count == 0 || arguments.Named.Count > 0)
            throw context.Invalid("cycler needs values.");
        var at = 0;
        return new CallableValue("cycler", (_, _) => throw context.Invalid("a cycler is not called; it has next() and reset()."))
        {
            Attributes = name => name switch
            {
                "current" => values[at],
                "next" => new CallableValue("next", (_, _) =>
                {
                    var value = values[at];
                    at = (at + 1) % values.Count;
                    return value;
                }),
                "reset" => new CallableValue("reset", (_, _) =>
                {
                    at = 0;
                    return NoneValue.Instance;
                }),
                _ => null,
            },
        };
    }

    /// <summary>Gives nothing on its first call and the separator on all others.</summary>
    static CallableValue Joiner(RenderContext context, Arguments arguments)
    {
        TemplateValue separator = arguments.Bind("sep")[0] ?? StringValue.Template(", ");
        var isUsed = false;
        return new CallableValue("joiner", (_, _) =>
        {
            var value = isUsed ? separator : StringValue.Empty;
            isUsed = true;
            return value;
        });
    }

    /// <summary>How a template refuses a conversation. Only what the template wrote of the message is told.</summary>
    static TemplateValue RaiseException(RenderContext context, Arguments arguments)
    {
        const int longestMessage = 500;
        var message = PythonText.Str(context, arguments.Bind("message").Required(0));
        var told = string.Concat(message.Segments().Select(
            part => part.IsTemplate ? message.Text.Substring(part.Start, part.Length) : $"[redacted {part.Length}]"));
        throw new TemplateException(
            TemplateErrorKind.Raised, told.Length <= longestMessage ? told : told[..longestMessage] + "…", context.Position);
    }

    static StringValue StrftimeNow(RenderContext context, Arguments arguments)
    {
        var format = arguments.Bind("format").Text(0);
        context.ChargeText(format.Length);
        var text = StrftimeFormat.Format(context, context.TimeProvider.GetLocalNow(), format.Text);
        return format.IsTemplate ? StringValue.Template(text) : StringValue.Data(text);
    }
}
