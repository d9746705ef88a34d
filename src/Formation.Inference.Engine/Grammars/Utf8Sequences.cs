namespace Formation.Inference.Engine.Grammars;

/// <summary>
/// Ranges of characters as sequences of byte ranges: a text is one of the characters when it has a byte of each range of one of the sequences, in
/// order. After RFC 3629, section 4: no surrogates, nothing overlong.
/// </summary>
internal static class Utf8Sequences
{
    private const int FirstSurrogate = 0xD800, LastSurrogate = 0xDFFF;

    // The greatest character of one, two, three and four bytes.
    private static readonly int[] Greatest = [0x7F, 0x7FF, 0xFFFF, CharacterRange.Greatest];

    /// <summary>Bytes from one to another, both included.</summary>
    internal readonly record struct ByteRange(byte First, byte Last);

    /// <summary>The sequences of a range.</summary>
    public static IEnumerable<ByteRange[]> Of(CharacterRange range)
    {
        if (range is { First: <= LastSurrogate, Last: >= FirstSurrogate })
        {
            return Lengths(range with { Last = FirstSurrogate - 1 }).Concat(Lengths(range with { First = LastSurrogate + 1 }));
        }
        return Lengths(range);
    }

    // Characters of as many bytes.
    private static IEnumerable<ByteRange[]> Lengths(CharacterRange range)
    {
        var least = 0;
        for (var length = 1; length <= Greatest.Length; length++)
        {
            var (first, last) = (Math.Max(range.First, least), Math.Min(range.Last, Greatest[length - 1]));
            if (first <= last)
            {
                foreach (var sequence in Split(first, last, length))
                    yield return sequence;
            }
            least = Greatest[length - 1] + 1;
        }
    }

    // Until all continuation bytes behind the first one that differs run over their whole range.
    private static IEnumerable<ByteRange[]> Split(int first, int last, int length)
    {
        for (var i = 1; i < length; i++)
        {
            var low = (1 << (6 * i)) - 1;
            if ((first & ~low) == (last & ~low))
                continue;
            if ((first & low) != 0)
                return Split(first, first | low, length).Concat(Split((first | low) + 1, last, length));
            if ((last & low) != low)
                return Split(first, (last & ~low) - 1, length).Concat(Split(last & ~low, last, length));
        }
        var (from, to) = (Encode(first, length), Encode(last, length));
        return [[.. from.Zip(to, (lowest, highest) => new ByteRange(lowest, highest))]];
    }

    private static byte[] Encode(int character, int length)
    {
        var bytes = new byte[length];
        for (var i = length - 1; i > 0; i--, character >>= 6)
            bytes[i] = (byte)(0x80 | (character & 0x3F));
        bytes[0] = (byte)(length == 1 ? character : (0xFF00 >> length & 0xFF) | character);
        return bytes;
    }
}
