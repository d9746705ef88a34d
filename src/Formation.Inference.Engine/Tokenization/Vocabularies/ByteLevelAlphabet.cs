using System.Text;

namespace Formation.Inference.Engine.Tokenization.Vocabularies;

/// <summary>
/// GPT-2's printable character for each byte, in which byte-level vocabularies are written: visible Latin-1 characters stand for
/// themselves, the others for U+0100 and up in order.
/// </summary>
internal static class ByteLevelAlphabet
{
    static readonly char[] Characters = BuildCharacters();
    static readonly short[] Bytes = BuildBytes();

    public static char CharacterOf(byte value) => Characters[value];

    /// <summary>The bytes that a token's text stands for; a text with other characters stands for its own UTF-8.</summary>
    public static byte[] Decode(string text)
    {
        byte[] bytes = new byte[text.Length];
        for (int i = 0; i < text.Length; i++)
        {
            int value = text[i] < Bytes.Length ? Bytes[text[i]] : -1;
            if (value < 0) return Encoding.UTF8.GetBytes(text);
            bytes[i] = (byte)value;
        }
        return bytes;
    }

    static char[] BuildCharacters()
    {
        var characters = new char[256];
        char next = '\u0100';
        for (int value = 0; value < 256; value++)
            characters[value] = value is (>= 0x21 and <= 0x7E) or (>= 0xA1 and <= 0xAC) or >= 0xAE ? (char)value : next++;
        return characters;
    }

    static short[] BuildBytes()
    {
        var bytes = new short[Characters.Max() + 1];
        Array.Fill(bytes, (short)-1);
        for (int value = 0; value < 256; value++) bytes[Characters[value]] = (short)value;
        return bytes;
    }
}
