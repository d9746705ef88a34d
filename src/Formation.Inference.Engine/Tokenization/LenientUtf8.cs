namespace Formation.Inference.Engine.Tokenization;

/// <summary>
/// UTF-8 as the reference tokenizers read it: what can't be a sequence becomes U+FFFD byte by byte, but overlong forms and surrogates
/// count as the code point that their bits give. Special tokens are matched on the bytes before, so no form can disguise one.
/// </summary>
internal static class LenientUtf8
{
    const int Replacement = 0xFFFD;

    /// <summary>Decodes all of <paramref name="utf8"/> and returns the number of code points.</summary>
    /// <param name="codePoints">At least as long as <paramref name="utf8"/>.</param>
    public static int Decode(ReadOnlySpan<byte> utf8, Span<int> codePoints)
    {
        int count = 0;
        for (int position = 0; position < utf8.Length; count++)
        {
            byte lead = utf8[position];
            int length = SequenceLength(lead);
            int codePoint = lead < 0x80 ? lead : length > 1 ? Combine(utf8[position..], length) : -1;
            bool isCodePoint = codePoint is >= 0 and <= 0x10FFFF;
            codePoints[count] = isCodePoint ? codePoint : Replacement;
            position += isCodePoint ? length : 1;
        }
        return count;
    }

    /// <summary>Writes a code point (surrogates too) and returns the number of bytes, at most 4.</summary>
    public static int Encode(int codePoint, Span<byte> utf8)
    {
        switch (codePoint)
        {
            case < 0x80:
                utf8[0] = (byte)codePoint;
                return 1;
            case < 0x800:
                utf8[0] = (byte)(0xC0 | codePoint >> 6);
                utf8[1] = Continuation(codePoint);
                return 2;
            case < 0x10000:
                utf8[0] = (byte)(0xE0 | codePoint >> 12);
                utf8[1] = Continuation(codePoint >> 6);
                utf8[2] = Continuation(codePoint);
                return 3;
            default:
                utf8[0] = (byte)(0xF0 | codePoint >> 18);
                utf8[1] = Continuation(codePoint >> 12);
                utf8[2] = Continuation(codePoint >> 6);
                utf8[3] = Continuation(codePoint);
                return 4;
        }
    }

    /// <summary>Length of the sequence that a lead byte announces; 1 for a byte that leads none.</summary>
    public static int SequenceLength(byte lead) => lead switch
    {
        < 0xC0 => 1,
        < 0xE0 => 2,
        < 0xF0 => 3,
        _ => 4,
    };

    static int Combine(ReadOnlySpan<byte> utf8, int length)
    {
        if (utf8[0] >= 0xF8 || utf8.Length < length) return -1;
        int codePoint = utf8[0] & (0x7F >> length);
        for (int i = 1; i < length; i++)
        {
            if ((utf8[i] & 0xC0) != 0x80) return -1;
            codePoint = codePoint << 6 | utf8[i] & 0x3F;
        }
        return codePoint;
    }

    static byte Continuation(int bits) => (byte)(0x80 | bits & 0x3F);
}
