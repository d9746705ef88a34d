namespace Formation.Inference.Engine.Templates;

/// <summary>A place in a template's source; lines and columns count from 1.</summary>
internal readonly record struct SourcePosition(int Line, int Column)
{
    public static SourcePosition Start => new(1, 1);
}
