namespace Formation.Inference.Engine.Tokenization.PreTokenizers;

/// <summary>Code points with the class of each.</summary>
internal readonly ref struct ClassifiedText(ReadOnlySpan<int> codePoints, ReadOnlySpan<CodePointClass> classes)
{
    readonly ReadOnlySpan<int> _codePoints = codePoints;
    readonly ReadOnlySpan<CodePointClass> _classes = classes;

    public int Length => _codePoints.Length;

    /// <summary>The code point at <paramref name="position"/>, or -1 past the end.</summary>
    public int this[int position] => (uint)position < (uint)_codePoints.Length ? _codePoints[position] : -1;

    public CodePointClass ClassAt(int position) => _classes[position];

    /// <summary>True where there is a code point at <paramref name="position"/> and it has one of the classes.</summary>
    public bool Is(int position, CodePointClass anyOf) => (uint)position < (uint)_classes.Length && (_classes[position] & anyOf) != 0;

    /// <summary>True where there is a code point at <paramref name="position"/> and it has none of the classes.</summary>
    public bool IsNot(int position, CodePointClass anyOf) => (uint)position < (uint)_classes.Length && (_classes[position] & anyOf) == 0;

    public bool IsLineBreak(int position) => this[position] is '\r' or '\n';

    /// <summary>First position from <paramref name="position"/> on that has none of the classes, or the length.</summary>
    public int SkipAny(int position, CodePointClass anyOf)
    {
        while (Is(position, anyOf)) position++;
        return position;
    }

    /// <summary>First position from <paramref name="position"/> on that has one of the classes, or the length.</summary>
    public int SkipNone(int position, CodePointClass anyOf)
    {
        while (IsNot(position, anyOf)) position++;
        return position;
    }

    public int SkipLineBreaks(int position)
    {
        while (IsLineBreak(position)) position++;
        return position;
    }

    public ClassifiedText Slice(int start, int length) => new(_codePoints.Slice(start, length), _classes.Slice(start, length));
}
