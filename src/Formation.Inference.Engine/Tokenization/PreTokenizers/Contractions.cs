namespace Formation.Inference.Engine.Tokenization.PreTokenizers;

/// <summary>The English contractions 's, 't, 're, 've, 'm, 'll and 'd, which most rules keep as one word.</summary>
internal static class Contractions
{
    /// <summary>End of the contraction at <paramref name="position"/>, or <paramref name="position"/> where there is none.</summary>
    /// <param name="ignoreCase">Whether the letters may be upper case.</param>
    public static int Match(in ClassifiedText text, int position, bool ignoreCase)
    {
        if (text[position] != '\'') return position;
        int first = Fold(text[position + 1], ignoreCase);
        if (first is 's' or 't' or 'm' or 'd') return position + 2;
        int second = Fold(text[position + 2], ignoreCase);
        return (first, second) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? position + 3 : position;
    }

    static int Fold(int codePoint, bool ignoreCase) => ignoreCase && codePoint is >= 'A' and <= 'Z' ? codePoint + ('a' - 'A') : codePoint;
}
