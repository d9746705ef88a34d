using System.Globalization;
using System.Text;

namespace Formation.Inference.Engine.Tokenization.PreTokenizers;

/// <summary>Classifies code points by the Unicode version of the reference tokenizers (15.1).</summary>
/// <remarks>
/// Token ids must not change with the .NET version, so code points that Unicode 16.0 added, which .NET 10 knows, count as
/// unassigned. A test compares the whole table with the reference's.
/// </remarks>
internal static class CodePointClasses
{
    public static CodePointClass Of(int codePoint)
    {
        if ((uint)codePoint > 0x10FFFF || IsLaterThanReference(codePoint)) return CodePointClass.None;
        if (IsWhiteSpace(codePoint)) return CodePointClass.WhiteSpace;
        return CharUnicodeInfo.GetUnicodeCategory(codePoint) switch
        {
            <= UnicodeCategory.OtherLetter => CodePointClass.Letter,
            <= UnicodeCategory.EnclosingMark => CodePointClass.Mark,
            <= UnicodeCategory.OtherNumber => CodePointClass.Number,
            <= UnicodeCategory.ParagraphSeparator => CodePointClass.None,
            <= UnicodeCategory.PrivateUse => CodePointClass.Control,
            <= UnicodeCategory.OtherPunctuation => CodePointClass.Punctuation,
            <= UnicodeCategory.OtherSymbol => CodePointClass.Symbol,
            _ => CodePointClass.None,
        };
    }

    public static void Classify(ReadOnlySpan<int> codePoints, Span<CodePointClass> classes)
    {
        for (int i = 0; i < codePoints.Length; i++)
        {
            int codePoint = codePoints[i];
            classes[i] = (uint)codePoint < 128 ? Ascii[codePoint] : Of(codePoint);
        }
    }

    /// <summary>The simple lower-case mapping; of the dotted capital I the first letter of its full one.</summary>
    public static int ToLower(int codePoint)
    {
        if (codePoint == 0x130) return 'i';
        return Rune.TryCreate(codePoint, out Rune rune) && !IsLaterThanReference(codePoint) ? Rune.ToLowerInvariant(rune).Value : codePoint;
    }

    static readonly CodePointClass[] Ascii = [.. Enumerable.Range(0, 128).Select(Of)];

    static bool IsWhiteSpace(int codePoint) => codePoint is (>= 0x09 and <= 0x0D) or 0x20 or 0x85 or 0xA0 or 0x1680
        or (>= 0x2000 and <= 0x200A) or 0x2028 or 0x2029 or 0x202F or 0x205F or 0x3000;

    /// <summary>True for a code point that Unicode assigned after version 15.1.</summary>
    public static bool IsLaterThanReference(int codePoint) => codePoint >= 0x897 && CodePointRanges.Contains(AddedInUnicode16, codePoint);

    static ReadOnlySpan<int> AddedInUnicode16 =>
    [
        0x897, 0x897, 0x1B4E, 0x1B4F, 0x1B7F, 0x1B7F, 0x1C89, 0x1C8A, 0x2427, 0x2429, 0x31E4, 0x31E5, 0xA7CB, 0xA7CD, 0xA7DA, 0xA7DC,
        0x105C0, 0x105F3, 0x10D40, 0x10D65, 0x10D69, 0x10D85, 0x10D8E, 0x10D8F, 0x10EC2, 0x10EC4, 0x10EFC, 0x10EFC, 0x11380, 0x11389,
        0x1138B, 0x1138B, 0x1138E, 0x1138E, 0x11390, 0x113B5, 0x113B7, 0x113C0, 0x113C2, 0x113C2, 0x113C5, 0x113C5, 0x113C7, 0x113CA,
        0x113CC, 0x113D5, 0x113D7, 0x113D8, 0x113E1, 0x113E2, 0x116D0, 0x116E3, 0x11BC0, 0x11BE1, 0x11BF0, 0x11BF9, 0x11F5A, 0x11F5A,
        0x13460, 0x143FA, 0x16100, 0x16139, 0x16D40, 0x16D79, 0x18CFF, 0x18CFF, 0x1CC00, 0x1CCF9, 0x1CD00, 0x1CEB3, 0x1E5D0, 0x1E5FA,
        0x1E5FF, 0x1E5FF, 0x1F8B2, 0x1F8BB, 0x1F8C0, 0x1F8C1, 0x1FA89, 0x1FA89, 0x1FA8F, 0x1FA8F, 0x1FABE, 0x1FABE, 0x1FAC6, 0x1FAC6,
        0x1FADC, 0x1FADC, 0x1FADF, 0x1FADF, 0x1FAE9, 0x1FAE9, 0x1FBCB, 0x1FBEF,
    ];
}
