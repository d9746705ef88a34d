namespace Formation.Inference.Engine.Templates;

/// <summary>How <see cref="JsonText"/> writes: the arguments of Python's <c>json.dumps</c>.</summary>
/// <param name="Indent">What each level is indented with, or null for one line.</param>
internal sealed record JsonTextOptions(string? Indent, string ItemSeparator, string KeySeparator, bool EnsureAscii, bool SortKeys);

/// <summary>
/// Values as JSON, as Hugging Face's <c>tojson</c> (Python's <c>json.dumps</c> without HTML escapes) writes them. The text is data as a
/// whole, also where a template's own words are in it.
/// </summary>
internal sealed class JsonText(RenderContext context, JsonTextOptions options)
{
    readonly MarkedTextBuilder _builder = new(context);
    int _level;

    public static StringValue Write(RenderContext context, TemplateValue value, JsonTextOptions options)
    {
        var json = new JsonText(context, options);
        json.Append(value);
        return json._builder.BuildValue();
    }

    void Append(TemplateValue value)
    {
        context.Charge(1);
        context.Enter();
        switch (value)
        {
            case StringValue text: AppendString(text.Text); break;
            case ListValue list: AppendList(list); break;
            case DictValue dict: AppendDict(dict); break;
            case NoneValue or BooleanValue or NumberValue: _builder.AppendData(ScalarText(value)); break;
            case UndefinedValue undefined: throw context.Undefined(undefined);
            default: throw context.Invalid($"a {value.TypeName} can't be written as JSON.");
        }
        context.Leave();
    }

    static string ScalarText(TemplateValue value) => value switch
    {
        NoneValue => "null",
        BooleanValue => value.IsTruthy ? "true" : "false",
        FloatValue { Value: double.NaN } => "NaN",
        FloatValue { Value: double.PositiveInfinity } => "Infinity",
        FloatValue { Value: double.NegativeInfinity } => "-Infinity",
        NumberValue number => PythonText.NumberText(number),
        _ => "",
    };

    void AppendList(ListValue list)
    {
        if (list.Items.Count == 0)
        {
            _builder.AppendData("[]");
            return;
        }
        Open('[');
        for (var i = 0; i < list.Items.Count; i++)
        {
            Separate(i == 0);
            Append(list.Items[i]);
        }
        Close(']');
    }

    void AppendDict(DictValue dict)
    {
        if (dict.Items.Count == 0)
        {
            _builder.AppendData("{}");
            return;
        }
        Open('{');
        var isFirst = true;
        foreach (var (key, value) in options.SortKeys ? Sorted(dict) : dict.Items)
        {
            Separate(isFirst);
            isFirst = false;
            AppendString(KeyText(key));
            _builder.AppendData(options.KeySeparator);
            Append(value);
        }
        Close('}');
    }

    IEnumerable<KeyValuePair<TemplateValue, TemplateValue>> Sorted(DictValue dict)
    {
        var entries = dict.Items.ToList();
        ValueOrder.Sort(context, entries, pair => pair.Key, isDescending: false);
        return entries;
    }

    string KeyText(TemplateValue key) => key switch
    {
        StringValue text => text.Text,
        ListValue or UndefinedValue => throw context.Invalid($"a {key.TypeName} can't be a key in JSON."),
        _ => ScalarText(key),
    };

    void Open(char bracket)
    {
        _builder.AppendData(bracket);
        _level++;
    }

    void Separate(bool isFirst)
    {
        if (!isFirst)
            _builder.AppendData(options.ItemSeparator);
        BreakLine();
    }

    void Close(char bracket)
    {
        _level--;
        BreakLine();
        _builder.AppendData(bracket);
    }

    void BreakLine()
    {
        if (options.Indent is null)
            return;
        _builder.AppendData('\n');
        for (var i = 0; i < _level; i++)
            _builder.AppendData(options.Indent);
    }

    void AppendString(string text)
    {
        _builder.AppendData('"');
        var plain = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (Escape(text[i]) is not { } escaped)
                continue;
            _builder.AppendData(text.AsSpan(plain, i - plain)).AppendData(escaped);
            plain = i + 1;
        }
        _builder.AppendData(text.AsSpan(plain)).AppendData('"');
    }

    string? Escape(char c) => c switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\b' => "\\b",
        '\f' => "\\f",
        < ' ' => $"\\u{(int)c:x4}",
        > '\x7e' when options.EnsureAscii && c != '\x7f' => $"\\u{(int)c:x4}",
        _ => null,
    };
}
