using System.IO.Compression;
using System.Text.Json;
using Formation.Inference.Engine.Tokenization;
using Formation.Inference.Engine.Tokenization.PreTokenizers;

namespace Formation.Inference.Engine.Tests.Tokenization;

/// <summary>What is known of each code point equals the reference's tables, whatever Unicode version .NET has.</summary>
public sealed class UnicodeTableTests
{
    const int CodePoints = 0x110000;

    static readonly JsonElement Golden = Read();

    [Fact]
    public void Classes_equal_the_reference()
    {
        var expected = new CodePointClass[CodePoints];
        int[][] ranges = Golden.GetProperty("flags").Deserialize<int[][]>()!;
        foreach ((int[] range, int[] next) in ranges.Zip(ranges.Skip(1)))
            expected.AsSpan(range[0]..next[0]).Fill(ClassOf(range[1]));
        foreach (int whiteSpace in Golden.GetProperty("whiteSpace").Deserialize<int[]>()!) expected[whiteSpace] = CodePointClass.WhiteSpace;

        Assert.Equal(CodePoints, ranges[^1][0]);
        Assert.Equal([], Differences(codePoint => expected[codePoint] == CodePointClasses.Of(codePoint)));
    }

    [Fact]
    public void Lower_case_equals_the_reference()
    {
        Dictionary<int, int> lower = Golden.GetProperty("lowercase").Deserialize<int[][]>()!.ToDictionary(row => row[0], row => row[1]);
        Assert.Equal([], Differences(codePoint => lower.GetValueOrDefault(codePoint, codePoint) == CodePointClasses.ToLower(codePoint)));
    }

    [Fact]
    public void Canonical_bases_equal_the_reference()
    {
        var bases = new Dictionary<int, int>();
        foreach (int[] row in Golden.GetProperty("bases").Deserialize<int[][]>()!)
        {
            for (int codePoint = row[0]; codePoint <= row[1]; codePoint++) bases[codePoint] = row[2];
        }
        Assert.Equal([], Differences(codePoint => bases.GetValueOrDefault(codePoint, codePoint) == CanonicalBases.Of(codePoint)));
    }

    [Fact]
    public void Numbers_that_are_no_code_points_have_no_class()
    {
        Assert.Equal(CodePointClass.None, CodePointClasses.Of(-1));
        Assert.Equal(CodePointClass.None, CodePointClasses.Of(CodePoints));
    }

    static IEnumerable<string> Differences(Func<int, bool> agrees)
        => Enumerable.Range(0, CodePoints).Where(codePoint => !agrees(codePoint)).Take(20).Select(codePoint => $"U+{codePoint:X4}");

    /// <summary>The reference's flags: N, L, Z, M, P, S, C in the bits from 2 on.</summary>
    static CodePointClass ClassOf(int flags) => (flags & 0xFF) switch
    {
        0x02 => CodePointClass.Number,
        0x04 => CodePointClass.Letter,
        0x10 => CodePointClass.Mark,
        0x20 => CodePointClass.Punctuation,
        0x40 => CodePointClass.Symbol,
        0x80 => CodePointClass.Control,
        _ => CodePointClass.None,
    };

    static JsonElement Read()
    {
        using FileStream file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "Golden", "tokenizers", "unicode.json.gz"));
        using var unzipped = new GZipStream(file, CompressionMode.Decompress);
        return JsonDocument.Parse(unzipped).RootElement;
    }
}
