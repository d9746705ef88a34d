namespace Formation.Inference.Engine.Templates.Builtins;

/// <summary>Methods of strings.</summary>
internal static class StringMethods
{
    delegate TemplateValue Method(RenderContext context, MarkedText text, Arguments arguments);

    static readonly Dictionary<string, Method> ByName = new(StringComparer.Ordinal)
    {
        ["strip"] = (context, text, arguments) => Strip(context, text, arguments, TextSides.Both),
        ["lstrip"] = (context, text, arguments) => Strip(context, text, arguments, TextSides.Start),
        ["rstrip"] = (context, text, arguments) => Strip(context, text, arguments, TextSides.End),
        ["split"] = (context, text, arguments) => Split(context, text, arguments, fromEnd: false),
        ["rsplit"] = (context, text, arguments) => Split(context, text, arguments, fromEnd: true),
        ["splitlines"] = SplitLines,
        ["partition"] = (context, text, arguments) => Partition(context, text, arguments, fromEnd: false),
        ["rpartition"] = (context, text, arguments) => Partition(context, text, arguments, fromEnd: true),
        ["startswith"] = (context, text, arguments) => HasAffix(context, text, arguments, isSuffix: false),
        ["endswith"] = (context, text, arguments) => HasAffix(context, text, arguments, isSuffix: true),
        ["removeprefix"] = (context, text, arguments) => RemoveAffix(text, arguments, isSuffix: false),
        ["removesuffix"] = (context, text, arguments) => RemoveAffix(text, arguments, isSuffix: true),
        ["upper"] = (context, text, arguments) => Mapped(context, text, arguments, CaseMapping.Upper),
        ["lower"] = (context, text, arguments) => Mapped(context, text, arguments, CaseMapping.Lower),
        ["casefold"] = (context, text, arguments) => Mapped(context, text, arguments, CaseMapping.Lower),
        ["title"] = (context, text, arguments) => Mapped(context, text, arguments, CaseMapping.TitleLetters),
        ["capitalize"] = (context, text, arguments) => Mapped(context, text, arguments, CaseMapping.Capitalize),
        ["replace"] = Replace,
        ["find"] = (context, text, arguments) => Find(context, text, arguments, fromEnd: false),
        ["rfind"] = (context, text, arguments) => Find(context, text, arguments, fromEnd: true),
        ["index"] = Index,
        ["count"] = (context, text, arguments) => new IntegerValue(TextOperations.Count(context, text, arguments.Bind("sub").Text(0))),
        ["join"] = Join,
        ["format"] = BraceFormat.Apply,
        ["zfill"] = (context, text, arguments) => ZeroFill(context, text, arguments.Bind("width").Integer(0, 0)),
        ["ljust"] = (context, text, arguments) => Pad(context, text, arguments, isLeft: false),
        ["rjust"] = (context, text, arguments) => Pad(context, text, arguments, isLeft: true),
        ["isdigit"] = (context, text, arguments) => All(text, arguments, char.IsDigit),
        ["isnumeric"] = (context, text, arguments) => All(text, arguments, char.IsNumber),
        ["isalpha"] = (context, text, arguments) => All(text, arguments, char.IsLetter),
        ["isalnum"] = (context, text, arguments) => All(text, arguments, char.IsLetterOrDigit),
        ["isspace"] = (context, text, arguments) => All(text, arguments, PythonWhitespace.IsSpace),
        ["isupper"] = (context, text, arguments) => HasCase(context, text, arguments, "upper"),
        ["islower"] = (context, text, arguments) => HasCase(context, text, arguments, "lower"),
    };

    public static CallableValue? Find(MarkedText text, string name)
    {
        if (!ByName.TryGetValue(name, out var method))
            return null;
        return new CallableValue(name, (context, arguments) =>
        {
            context.ChargeText(text.Length);
            return method(context, text, arguments);
        });
    }

    static StringValue Strip(RenderContext context, MarkedText text, Arguments arguments, TextSides sides) =>
        new(TextOperations.Strip(context, text, arguments.Bind("chars").OptionalText(0), sides));

    static ListValue Split(RenderContext context, MarkedText text, Arguments arguments, bool fromEnd)
    {
        var bound = arguments.Bind("sep", "maxsplit");
        var (separator, maxSplits) = (bound.OptionalText(0), bound.Integer(1, -1));
        return new ListValue(separator is null
            ? TextOperations.SplitWords(context, text, maxSplits, fromEnd)
            : TextOperations.Split(context, text, separator, maxSplits, fromEnd));
    }

    static ListValue SplitLines(RenderContext context, MarkedText text, Arguments arguments) =>
        new([.. Lines(context, text, arguments.Bind("keepends").Boolean(0, false))]);

    static IEnumerable<TemplateValue> Lines(RenderContext context, MarkedText text, bool keepBreaks) =>
        TextOperations.SplitLines(context, text, keepBreaks).Select(line => new StringValue(line));

    static ListValue Partition(RenderContext context, MarkedText text, Arguments arguments, bool fromEnd)
    {
        var separator = arguments.Bind("sep").Text(0);
        var parts = TextOperations.Split(context, text, separator, 1, fromEnd);
        if (parts.Count == 2)
            return ListValue.Tuple(parts[0], new StringValue(separator), parts[1]);
        return fromEnd
            ? ListValue.Tuple(StringValue.Empty, StringValue.Empty, parts[0])
            : ListValue.Tuple(parts[0], StringValue.Empty, StringValue.Empty);
    }

    static BooleanValue HasAffix(RenderContext context, MarkedText text, Arguments arguments, bool isSuffix)
    {
        var bound = arguments.Bind("affix", "start", "end");
        if (bound[1] is not null)
            text = ((StringValue)Members.Slice(context, new StringValue(text), bound[1], bound[2], null)).Value;
        if (bound[0] is ListValue { Kind: SequenceKind.Tuple } tuple)
            return BooleanValue.Of(tuple.Items.Exists(item => item is StringValue affix && Matches(affix.Value)));
        return BooleanValue.Of(Matches(bound.Text(0)));

        bool Matches(MarkedText affix)
        {
            context.ChargeText(affix.Length);
            return isSuffix
                ? text.Text.EndsWith(affix.Text, StringComparison.Ordinal)
                : text.Text.StartsWith(affix.Text, StringComparison.Ordinal);
        }
    }

    static StringValue RemoveAffix(MarkedText text, Arguments arguments, bool isSuffix)
    {
        var affix = arguments.Bind("affix").Text(0);
        var isThere = isSuffix
            ? text.Text.EndsWith(affix.Text, StringComparison.Ordinal)
            : text.Text.StartsWith(affix.Text, StringComparison.Ordinal);
        return new StringValue(isThere ? text.Slice(isSuffix ? 0 : affix.Length, text.Length - affix.Length) : text);
    }

    static StringValue Mapped(RenderContext context, MarkedText text, Arguments arguments, Func<RenderContext, MarkedText, MarkedText> map)
    {
        arguments.BindNone();
        return new StringValue(map(context, text));
    }

    static StringValue Replace(RenderContext context, MarkedText text, Arguments arguments)
    {
        var bound = arguments.Bind("old", "new", "count");
        return new StringValue(TextOperations.Replace(context, text, bound.Text(0), bound.Text(1), bound.Integer(2, -1)));
    }

    static IntegerValue Find(RenderContext context, MarkedText text, Arguments arguments, bool fromEnd)
    {
        var bound = arguments.Bind("sub", "start", "end");
        var wanted = bound.Text(0);
        context.ChargeSearch(text.Length, wanted.Length);
        var length = CodePoints.Count(text.Text);
        var (start, end) = (SearchBound(bound.Integer(1, 0), length), SearchBound(bound.Integer(2, length), length));
        if (start > end)
            return new IntegerValue(-1);
        var from = CodePoints.OffsetOf(text.Text, start);
        var range = text.Text.AsSpan(from, CodePoints.OffsetOf(text.Text, end) - from);
        var found = fromEnd ? range.LastIndexOf(wanted.Text) : range.IndexOf(wanted.Text);
        return new IntegerValue(found < 0 ? -1 : CodePoints.IndexOf(text.Text, from + found));
    }

    static int SearchBound(int index, int length) => Math.Clamp(index < 0 ? index + length : index, 0, length);

    static IntegerValue Index(RenderContext context, MarkedText text, Arguments arguments)
    {
        var found = Find(context, text, arguments, fromEnd: false);
        return found.Value.Sign >= 0 ? found : throw context.Invalid("str.index() is given text that is not in the string.");
    }

    static StringValue Join(RenderContext context, MarkedText separator, Arguments arguments)
    {
        var builder = new MarkedTextBuilder(context);
        var isFirst = true;
        foreach (var item in Iteration.Items(context, arguments.Bind("iterable").Required(0)))
        {
            if (item is not StringValue part)
                throw context.Invalid($"str.join() joins strings, not {item.TypeName}.");
            if (!isFirst)
                builder.Append(separator);
            isFirst = false;
            context.Charge(1);
            builder.Append(part.Value);
        }
        return builder.BuildValue();
    }

    static StringValue ZeroFill(RenderContext context, MarkedText text, int width)
    {
        var missing = (long)width - CodePoints.Count(text.Text);
        var sign = text.Length > 0 && text.Text[0] is '-' or '+' ? 1 : 0;
        return new MarkedTextBuilder(context)
            .Append(text, 0, sign).AppendRepeated(MarkedText.Template("0"), missing).Append(text, sign, text.Length - sign).BuildValue();
    }

    static StringValue Pad(RenderContext context, MarkedText text, Arguments arguments, bool isLeft)
    {
        var bound = arguments.Bind("width", "fillchar");
        var fill = bound[1] is null ? MarkedText.Template(" ") : bound.Text(1);
        if (CodePoints.Count(fill.Text) != 1)
            throw context.Invalid("a string is padded with one character.");
        var missing = (long)bound.Integer(0, 0) - CodePoints.Count(text.Text);
        var builder = new MarkedTextBuilder(context);
        return (isLeft ? builder.AppendRepeated(fill, missing).Append(text) : builder.Append(text).AppendRepeated(fill, missing)).BuildValue();
    }

    static BooleanValue All(MarkedText text, Arguments arguments, Func<char, bool> holds)
    {
        arguments.BindNone();
        return BooleanValue.Of(text.Length > 0 && text.Text.All(holds));
    }

    static BooleanValue HasCase(RenderContext context, MarkedText text, Arguments arguments, string test) =>
        BooleanValue.Of(Tests.Apply(context, test, new StringValue(text), arguments));
}
