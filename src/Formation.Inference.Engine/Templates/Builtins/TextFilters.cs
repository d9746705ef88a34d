using System.Text;

namespace Formation.Inference.Engine.Templates.Builtins;

/// <summary>Filters that turn a value to text and change it.</summary>
internal static class TextFilters
{
    public static IEnumerable<(string Name, Filter Filter)> All { get; } =
    [
        ("trim", Trim),
        ("upper", (context, input, arguments) => Mapped(context, input, arguments, CaseMapping.Upper)),
        ("lower", (context, input, arguments) => Mapped(context, input, arguments, CaseMapping.Lower)),
        ("capitalize", (context, input, arguments) => Mapped(context, input, arguments, CaseMapping.Capitalize)),
        ("title", (context, input, arguments) => Mapped(context, input, arguments, CaseMapping.TitleWords)),
        ("string", String),
        ("safe", String),
        ("escape", Escape),
        ("e", Escape),
        ("forceescape", Escape),
        ("replace", Replace),
        ("indent", Indent),
        ("center", Center),
        ("truncate", Truncate),
        ("wordcount", WordCount),
        ("format", Format),
        ("tojson", ToJson),
    ];

    static StringValue Mapped(
        RenderContext context, TemplateValue input, Arguments arguments, Func<RenderContext, MarkedText, MarkedText> map)
    {
        arguments.BindNone();
        return new StringValue(map(context, PythonText.Str(context, input)));
    }

    static StringValue Trim(RenderContext context, TemplateValue input, Arguments arguments) =>
        new(TextOperations.Strip(context, PythonText.Str(context, input), arguments.Bind("chars").OptionalText(0), TextSides.Both));

    static StringValue String(RenderContext context, TemplateValue input, Arguments arguments)
    {
        arguments.BindNone();
        return input as StringValue ?? new StringValue(PythonText.Str(context, input));
    }

    static StringValue Escape(RenderContext context, TemplateValue input, Arguments arguments)
    {
        arguments.BindNone();
        return new StringValue(TextOperations.EscapeHtml(context, PythonText.Str(context, input)));
    }

    static StringValue Replace(RenderContext context, TemplateValue input, Arguments arguments)
    {
        var bound = arguments.Bind("old", "new", "count");
        var (old, replacement) = (PythonText.Str(context, bound.Required(0)), PythonText.Str(context, bound.Required(1)));
        return new StringValue(TextOperations.Replace(context, PythonText.Str(context, input), old, replacement, bound.Integer(2, -1)));
    }

    static StringValue Indent(RenderContext context, TemplateValue input, Arguments arguments)
    {
        var bound = arguments.Bind("width", "first", "blank");
        var text = TextOf(context, input, "indent");
        var indention = bound[0] is StringValue given
            ? given.Value
            : new MarkedTextBuilder(context).AppendSpaces(Math.Max(0, bound.Integer(0, 4))).Build();
        return new StringValue(TextOperations.Indent(context, text, indention, bound.Boolean(1, false), bound.Boolean(2, false)));
    }

    static StringValue Center(RenderContext context, TemplateValue input, Arguments arguments)
    {
        var text = PythonText.Str(context, input);
        var missing = (long)arguments.Bind("width").Integer(0, 80) - CodePoints.Count(text.Text);
        // Python puts the odd space on the left where the width is odd.
        var width = missing + CodePoints.Count(text.Text);
        var left = missing <= 0 ? 0 : missing / 2 + (missing & width & 1);
        return new MarkedTextBuilder(context).AppendSpaces(left).Append(text).AppendSpaces(missing - left).BuildValue();
    }

    static StringValue Truncate(RenderContext context, TemplateValue input, Arguments arguments)
    {
        var bound = arguments.Bind("length", "killwords", "end", "leeway");
        var text = TextOf(context, input, "truncate");
        var end = bound[2] is null ? MarkedText.Template("...") : bound.Text(2);
        var (length, leeway) = (bound.Integer(0, 255), bound.Integer(3, 5));
        var endLength = CodePoints.Count(end.Text);
        if (length < endLength || leeway < 0)
            throw context.Invalid($"truncate needs a length of at least {endLength} and a leeway of at least 0.");
        if (CodePoints.Count(text.Text) <= (long)length + leeway)
            return new StringValue(text);
        var kept = text.Slice(0, CodePoints.OffsetOf(text.Text, length - endLength));
        if (!bound.Boolean(1, false) && kept.Text.LastIndexOf(' ') is var space && space >= 0)
            kept = kept.Slice(0, space);
        return Operators.Concatenate(context, kept, end);
    }

    /// <summary>The text of filters that take strings only, and turn nothing else to text.</summary>
    static MarkedText TextOf(RenderContext context, TemplateValue input, string filter) => input switch
    {
        StringValue text => text.Value,
        DictValue { SourceText: { } source } => source,
        UndefinedValue undefined => throw context.Undefined(undefined),
        _ => throw context.Invalid($"{filter} needs a string, not {input.TypeName}."),
    };

    static IntegerValue WordCount(RenderContext context, TemplateValue input, Arguments arguments)
    {
        arguments.BindNone();
        var (count, isInWord) = (0, false);
        foreach (var rune in PythonText.Str(context, input).Text.EnumerateRunes())
        {
            var isWord = Rune.IsLetterOrDigit(rune) || rune.Value == '_';
            if (isWord && !isInWord)
                count++;
            isInWord = isWord;
        }
        return new IntegerValue(count);
    }

    static StringValue Format(RenderContext context, TemplateValue input, Arguments arguments)
    {
        if (arguments.Named.Count == 0)
            return PercentFormat.Apply(context, PythonText.Str(context, input), ListValue.Tuple([.. arguments.Positional]));
        if (arguments.Positional.Count > 0)
            throw context.Invalid("format takes positional or named arguments, not both.");
        var values = new DictValue();
        foreach (var (name, value) in arguments.NamedByName())
            values.Items[StringValue.Data(name)] = value;
        return PercentFormat.Apply(context, PythonText.Str(context, input), values);
    }

    /// <summary>
    /// Hugging Face's <c>tojson</c>: Python's <c>json.dumps</c>, with characters beyond ASCII as they are unless asked otherwise.
    /// </summary>
    static StringValue ToJson(RenderContext context, TemplateValue input, Arguments arguments)
    {
        var bound = arguments.Bind("ensure_ascii", "indent", "separators", "sort_keys");
        var indent = bound[1] switch
        {
            null or NoneValue => null,
            StringValue text => text.Text,
            _ => new string(' ', Math.Clamp(bound.Integer(1, 0), 0, 64)),
        };
        var (item, key) = (indent is null ? ", " : ",", ": ");
        if (bound[2] is ListValue { Items: [StringValue itemSeparator, StringValue keySeparator] })
            (item, key) = (itemSeparator.Text, keySeparator.Text);
        else if (bound[2] is not (null or NoneValue))
            throw context.Invalid("tojson needs two strings as 'separators'.");
        return JsonText.Write(context, input, new JsonTextOptions(indent, item, key, bound.Boolean(0, false), bound.Boolean(3, false)));
    }
}
