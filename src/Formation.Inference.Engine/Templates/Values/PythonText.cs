using System.Globalization;

namespace Formation.Inference.Engine.Templates;

/// <summary>Values as text, as Python's <c>str</c> and <c>repr</c> write them.</summary>
internal static class PythonText
{
    /// <summary>What <c>{{ value }}</c> prints. Text keeps its origin; a collection's is data.</summary>
    public static MarkedText Str(RenderContext context, TemplateValue value) => value switch
    {
        StringValue text => text.Value,
        UndefinedValue => MarkedText.Empty,
        NoneValue => MarkedText.Template("None"),
        BooleanValue => MarkedText.Template(value.IsTruthy ? "True" : "False"),
        NumberValue number => number.IsData ? MarkedText.Data(NumberText(number)) : MarkedText.Template(NumberText(number)),
        DictValue { SourceText: { } source } => source,
        _ => Repr(context, value),
    };

    /// <summary>The value as Python source would write it, always data.</summary>
    public static MarkedText Repr(RenderContext context, TemplateValue value)
    {
        var builder = new MarkedTextBuilder(context);
        AppendRepr(context, builder, value);
        return builder.Build();
    }

    public static string NumberText(NumberValue number) => number switch
    {
        IntegerValue integer => integer.Value.ToString(CultureInfo.InvariantCulture),
        FloatValue real => FloatText.Repr(real.Value),
        _ => "",
    };

    static void AppendRepr(RenderContext context, MarkedTextBuilder builder, TemplateValue value)
    {
        context.Charge(1);
        context.Enter();
        switch (value)
        {
            case StringValue text:
                AppendQuoted(builder, text.Text);
                break;
            case UndefinedValue:
                builder.AppendData("Undefined");
                break;
            case ListValue list:
                AppendItems(context, builder, list);
                break;
            case DictValue dict:
                AppendEntries(context, builder, dict.Items);
                break;
            case NamespaceValue space:
                builder.AppendData("<Namespace ");
                AppendEntries(context, builder, space.Attributes.Select(pair => KeyValuePair.Create(KeyOf(pair.Key), pair.Value)));
                builder.AppendData(">");
                break;
            case CallableValue callable:
                builder.AppendData("<").AppendData(callable.Name).AppendData(">");
                break;
            default:
                builder.AppendData(Str(context, value).Text);
                break;
        }
        context.Leave();
    }

    static TemplateValue KeyOf(string name) => StringValue.Data(name);

    static void AppendItems(RenderContext context, MarkedTextBuilder builder, ListValue list)
    {
        var isTuple = list.Kind == SequenceKind.Tuple;
        builder.AppendData(isTuple ? '(' : '[');
        for (var i = 0; i < list.Items.Count; i++)
        {
            if (i > 0)
                builder.AppendData(", ");
            AppendRepr(context, builder, list.Items[i]);
        }
        builder.AppendData(isTuple ? (list.Items.Count == 1 ? ",)" : ")") : "]");
    }

    static void AppendEntries(
        RenderContext context, MarkedTextBuilder builder, IEnumerable<KeyValuePair<TemplateValue, TemplateValue>> entries)
    {
        builder.AppendData('{');
        var isFirst = true;
        foreach (var (key, value) in entries)
        {
            if (!isFirst)
                builder.AppendData(", ");
            isFirst = false;
            AppendRepr(context, builder, key);
            builder.AppendData(": ");
            AppendRepr(context, builder, value);
        }
        builder.AppendData('}');
    }

    static void AppendQuoted(MarkedTextBuilder builder, string text)
    {
        var quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        builder.AppendData(quote);
        var plain = 0;
        for (var i = 0; i < text.Length;)
        {
            var length = CodePoints.LengthAt(text, i);
            if (Escape(text, i, quote) is { } escaped)
            {
                builder.AppendData(text.AsSpan(plain, i - plain)).AppendData(escaped);
                plain = i + length;
            }
            i += length;
        }
        builder.AppendData(text.AsSpan(plain)).AppendData(quote);
    }

    static string? Escape(string text, int index, char quote)
    {
        var c = text[index];
        if (c is >= ' ' and < '\x7f')
            return c == '\\' || c == quote ? $"\\{c}" : null;
        if (c is '\n' or '\r' or '\t')
            return c switch { '\n' => "\\n", '\r' => "\\r", _ => "\\t" };
        if (IsPrintable(CharUnicodeInfo.GetUnicodeCategory(text, index)))
            return null;
        var codePoint = CodePoints.LengthAt(text, index) == 2 ? char.ConvertToUtf32(text, index) : c;
        return codePoint switch
        {
            < 0x100 => $"\\x{codePoint:x2}",
            < 0x10000 => $"\\u{codePoint:x4}",
            _ => $"\\U{codePoint:x8}",
        };
    }

    static bool IsPrintable(UnicodeCategory category) => category is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
}
