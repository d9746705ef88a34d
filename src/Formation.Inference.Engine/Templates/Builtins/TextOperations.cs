namespace Formation.Inference.Engine.Templates.Builtins;

[Flags]
internal enum TextSides
{
    Start = 1,
    End = 2,
    Both = Start | End,
}

/// <summary>Operations on text that keep the origin of every character.</summary>
internal static class TextOperations
{
    /// <summary>Takes white space, or any of the characters given, from the sides.</summary>
    public static MarkedText Strip(RenderContext context, MarkedText text, MarkedText? characters, TextSides sides)
    {
        context.ChargeSearch(text.Length, characters?.Length ?? 1);
        var (start, end) = (0, text.Length);
        while (sides.HasFlag(TextSides.Start) && start < end && IsStripped(text.Text[start]))
            start++;
        while (sides.HasFlag(TextSides.End) && end > start && IsStripped(text.Text[end - 1]))
            end--;
        return text.Slice(start, end - start);

        bool IsStripped(char c) => characters is null ? PythonWhitespace.IsSpace(c) : characters.Text.Contains(c);
    }

    /// <summary>
    /// Replaces the first <paramref name="count"/> occurrences, all where it is negative. An empty pattern is found between all characters.
    /// </summary>
    public static MarkedText Replace(RenderContext context, MarkedText text, MarkedText old, MarkedText replacement, int count)
    {
        context.ChargeSearch(text.Length, old.Length);
        var builder = new MarkedTextBuilder(context);
        var copied = 0;
        foreach (var found in Occurrences(text.Text, old.Text))
        {
            if (count-- == 0)
                break;
            context.Charge(1);
            builder.Append(text, copied, found - copied).Append(replacement);
            copied = found + old.Length;
        }
        return copied == 0 && builder.Length == 0 ? text : builder.Append(text, copied, text.Length - copied).Build();
    }

    /// <summary>Where a pattern stands, without overlaps.</summary>
    static IEnumerable<int> Occurrences(string text, string pattern)
    {
        if (pattern.Length == 0)
        {
            for (var at = 0; at < text.Length; at += CodePoints.LengthAt(text, at))
                yield return at;
            yield return text.Length;
            yield break;
        }
        for (var at = 0; text.IndexOf(pattern, at, StringComparison.Ordinal) is var found && found >= 0; at = found + pattern.Length)
            yield return found;
    }

    /// <summary>How often a pattern stands in a text, without overlaps.</summary>
    public static int Count(RenderContext context, MarkedText text, MarkedText pattern)
    {
        context.ChargeSearch(text.Length, pattern.Length);
        return Occurrences(text.Text, pattern.Text).Count();
    }

    /// <summary>Parts between separators, at most <paramref name="maxSplits"/> + 1 of them, all where it is negative.</summary>
    public static List<TemplateValue> Split(RenderContext context, MarkedText text, MarkedText separator, int maxSplits, bool fromEnd)
    {
        if (separator.Length == 0)
            throw context.Invalid("split needs a separator that is not empty.");
        context.ChargeSearch(text.Length, separator.Length);
        var parts = new List<TemplateValue>();
        var (start, end) = (0, text.Length);
        while (maxSplits < 0 || parts.Count < maxSplits)
        {
            var rest = text.Text.AsSpan(start, end - start);
            var found = fromEnd ? rest.LastIndexOf(separator.Text) : rest.IndexOf(separator.Text);
            if (found < 0)
                break;
            found += start;
            var behind = found + separator.Length;
            AddPart(context, parts, fromEnd ? text.Slice(behind, end - behind) : text.Slice(start, found - start));
            (start, end) = fromEnd ? (start, found) : (behind, end);
        }
        AddPart(context, parts, text.Slice(start, end - start));
        if (fromEnd)
            parts.Reverse();
        return parts;
    }

    /// <summary>Words between runs of white space; what is left after <paramref name="maxSplits"/> stays one part.</summary>
    public static List<TemplateValue> SplitWords(RenderContext context, MarkedText text, int maxSplits, bool fromEnd)
    {
        context.ChargeText(text.Length);
        var parts = new List<TemplateValue>();
        var (start, end) = (0, text.Length);
        while (true)
        {
            while (start < end && PythonWhitespace.IsSpace(text.Text[fromEnd ? end - 1 : start]))
                _ = fromEnd ? end-- : start++;
            if (start == end)
                break;
            var (from, to) = maxSplits >= 0 && parts.Count == maxSplits
                ? (start, end)
                : fromEnd ? (WordStart(text.Text, start, end), end)
                : (start, WordEnd(text.Text, start, end));
            AddPart(context, parts, text.Slice(from, to - from));
            (start, end) = fromEnd ? (start, from) : (to, end);
        }
        if (fromEnd)
            parts.Reverse();
        return parts;
    }

    /// <summary>Lines without their breaks, in the sense of Python's <c>splitlines</c>.</summary>
    public static List<MarkedText> SplitLines(RenderContext context, MarkedText text, bool keepBreaks = false)
    {
        context.ChargeText(text.Length);
        var lines = new List<MarkedText>();
        for (var start = 0; start < text.Length;)
        {
            var end = start;
            while (end < text.Length && !PythonWhitespace.IsLineBreak(text.Text[end]))
                end++;
            var next = end + (end + 1 < text.Length && text.Text[end] == '\r' && text.Text[end + 1] == '\n' ? 2 : 1);
            next = Math.Min(next, text.Length);
            context.ChargeObjects(1);
            context.CheckCollection(lines.Count + 1);
            lines.Add(text.Slice(start, (keepBreaks ? next : end) - start));
            start = next;
        }
        return lines;
    }

    /// <summary>Jinja's <c>indent</c>: every line but the first, and empty lines only where asked.</summary>
    public static MarkedText Indent(RenderContext context, MarkedText text, MarkedText indention, bool indentFirst, bool indentBlank)
    {
        var builder = new MarkedTextBuilder(context);
        // Jinja adds a line break, so that a text's last one gives a last, empty line.
        var lines = SplitLines(context, new MarkedTextBuilder(context).Append(text).Append("\n", isTemplate: true).Build());
        for (var i = 0; i < lines.Count; i++)
        {
            if (i > 0)
                builder.Append("\n", isTemplate: true);
            if (i == 0 ? indentFirst : indentBlank || lines[i].Length > 0)
                builder.Append(indention);
            builder.Append(lines[i]);
        }
        return builder.Build();
    }

    public static MarkedText EscapeHtml(RenderContext context, MarkedText text)
    {
        var builder = new MarkedTextBuilder(context);
        foreach (var (start, length, isTemplate) in text.Segments())
        {
            var plain = start;
            for (var i = start; i < start + length; i++)
            {
                var escaped =
                    text.Text[i] switch { '&' => "&amp;", '<' => "&lt;", '>' => "&gt;", '"' => "&#34;", '\'' => "&#39;", _ => null };
                if (escaped is null)
                    continue;
                builder.Append(text.Text.AsSpan(plain, i - plain), isTemplate).Append(escaped, isTemplate);
                plain = i + 1;
            }
            builder.Append(text.Text.AsSpan(plain, start + length - plain), isTemplate);
        }
        return builder.Build();
    }

    static void AddPart(RenderContext context, List<TemplateValue> parts, MarkedText part)
    {
        context.ChargeObjects(1);
        context.CheckCollection(parts.Count + 1);
        parts.Add(new StringValue(part));
    }

    static int WordEnd(string text, int start, int end)
    {
        while (start < end && !PythonWhitespace.IsSpace(text[start]))
            start++;
        return start;
    }

    static int WordStart(string text, int start, int end)
    {
        while (end > start && !PythonWhitespace.IsSpace(text[end - 1]))
            end--;
        return end;
    }
}
