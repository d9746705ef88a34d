using System.Text;

namespace Formation.Inference.Training.Vocabulary;

/// <summary>The visible character by which byte-level BPE vocabularies write each byte (the GPT-2 alphabet).</summary>
internal static class ByteAlphabet
{
    private static readonly char[] Characters = Build();

    /// <summary>The character of a byte.</summary>
    public static char Of(byte value) => Characters[value];

    /// <summary>The text of some bytes, a character for each.</summary>
    public static string Of(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        foreach (var value in bytes)
            text.Append(Characters[value]);
        return text.ToString();
    }

    // Printable bytes stand for themselves; the others follow from U+0100 in their order.
    private static char[] Build()
    {
        var characters = new char[256];
        var next = 256;
        for (var value = 0; value < 256; value++)
        {
            var printable = value is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE and <= 0xFF;
            characters[value] = (char)(printable ? value : next++);
        }
        return characters;
    }
}
