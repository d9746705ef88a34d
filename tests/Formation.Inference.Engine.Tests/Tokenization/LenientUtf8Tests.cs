using System.Text;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Tests.Tokenization;

public sealed class LenientUtf8Tests
{
    [Theory]
    [InlineData("61c3a9e282acf09f9880", new[] { 0x61, 0xE9, 0x20AC, 0x1F600 })]
    [InlineData("ff61", new[] { 0xFFFD, 0x61 })]
    [InlineData("c3", new[] { 0xFFFD })]
    [InlineData("e28261", new[] { 0xFFFD, 0xFFFD, 0x61 })]
    [InlineData("80bf", new[] { 0xFFFD, 0xFFFD })]
    [InlineData("c080", new[] { 0 })]
    [InlineData("eda080", new[] { 0xD800 })]
    [InlineData("f4908080", new[] { 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD })]
    [InlineData("f7bfbfbf", new[] { 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD })]
    [InlineData("f888808080", new[] { 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD })]
    public void Bytes_decode_as_the_reference_reads_them(string hex, int[] expected)
    {
        byte[] bytes = Convert.FromHexString(hex);
        int[] codePoints = new int[bytes.Length];
        Assert.Equal(expected, codePoints[..LenientUtf8.Decode(bytes, codePoints)]);
    }

    [Fact]
    public void Every_code_point_survives_a_round_trip_and_valid_ones_are_standard()
    {
        int[] different = [.. Enumerable.Range(0, 0x110000).Where(codePoint => !SurvivesRoundTrip(codePoint)).Take(20)];
        Assert.Empty(different);
    }

    static bool SurvivesRoundTrip(int codePoint)
    {
        Span<byte> utf8 = stackalloc byte[4];
        Span<int> decoded = stackalloc int[4];
        ReadOnlySpan<byte> encoded = utf8[..LenientUtf8.Encode(codePoint, utf8)];
        return LenientUtf8.Decode(encoded, decoded) == 1 && decoded[0] == codePoint
            && (!Rune.TryCreate(codePoint, out Rune rune) || rune.Utf8SequenceLength == encoded.Length);
    }
}
