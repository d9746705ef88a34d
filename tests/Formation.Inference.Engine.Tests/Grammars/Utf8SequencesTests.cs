using System.Text;
using Formation.Inference.Engine.Grammars;

namespace Formation.Inference.Engine.Tests.Grammars;

public sealed class Utf8SequencesTests
{
    public static TheoryData<int, int> Ranges => new()
    {
        { 0, 0x10FFFF },
        { 'a', 'z' },
        { 0x7F, 0x80 },
        { 0x7FE, 0x801 },
        { 0xD7FE, 0xE001 },
        { 0xD800, 0xDFFF },
        { 0xFFFE, 0x10001 },
        { 0x3042, 0x30FE },
        { 0x1F600, 0x1F64F },
        { 0x10FFFF, 0x10FFFF },
    };

    /// <summary>By .NET's own encoder, which shares no code with it.</summary>
    [Theory, MemberData(nameof(Ranges))]
    public void A_range_has_the_bytes_of_its_characters_and_of_no_others(int first, int last)
    {
        var sequences = Utf8Sequences.Of(new CharacterRange(first, last)).ToList();
        var buffer = new byte[4];
        for (var character = 0; character <= 0x10FFFF; character++)
        {
            if (!Rune.TryCreate(character, out var rune))
                continue;
            var bytes = buffer.AsSpan(0, rune.EncodeToUtf8(buffer));
            var matches = 0;
            foreach (var sequence in sequences)
                matches += Matches(sequence, bytes) ? 1 : 0;
            if (matches != (character >= first && character <= last ? 1 : 0))
                Assert.Fail($"U+{character:X4} is matched {matches} times");
        }
    }

    [Theory, MemberData(nameof(Ranges))]
    public void Nothing_is_matched_that_is_no_character(int first, int last)
    {
        var sequences = Utf8Sequences.Of(new CharacterRange(first, last)).ToList();
        byte[][] broken = [[0x80], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xFF]];
        Assert.All(broken, bytes => Assert.DoesNotContain(sequences, sequence => Matches(sequence, bytes)));
    }

    private static bool Matches(Utf8Sequences.ByteRange[] sequence, ReadOnlySpan<byte> bytes)
    {
        if (sequence.Length != bytes.Length)
            return false;
        for (var i = 0; i < bytes.Length; i++)
            if (bytes[i] < sequence[i].First || bytes[i] > sequence[i].Last)
                return false;
        return true;
    }
}
