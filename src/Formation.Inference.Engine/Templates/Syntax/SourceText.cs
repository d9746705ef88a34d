namespace Formation.Inference.Engine.Templates.Syntax;

/// <summary>A template's source with line breaks as <c>\n</c> and without its last line break, as Jinja reads it.</summary>
internal sealed class SourceText
{
    readonly List<int> _lineStarts = [0];

    public SourceText(string source)
    {
        Text = source.Contains('\r') ? source.Replace("\r\n", "\n").Replace('\r', '\n') : source;
        if (Text.EndsWith('\n'))
            Text = Text[..^1];
        for (var i = Text.IndexOf('\n'); i >= 0; i = Text.IndexOf('\n', i + 1))
            _lineStarts.Add(i + 1);
    }

    public string Text { get; }

    public SourcePosition PositionAt(int offset)
    {
        var line = _lineStarts.BinarySearch(offset);
        if (line < 0)
            line = ~line - 1;
        return new SourcePosition(line + 1, offset - _lineStarts[line] + 1);
    }
}
