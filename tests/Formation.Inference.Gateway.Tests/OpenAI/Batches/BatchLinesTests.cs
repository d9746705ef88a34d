using System.Text;
using Formation.Inference.Gateway.Batches;
using Formation.Inference.Gateway.OpenAI.Batches;

namespace Formation.Inference.Gateway.Tests.OpenAI.Batches;

public class BatchLinesTests
{
    static async Task<string[]> SplitAsync(string text, int partLength, int maxLength = 100)
    {
        var lines = new List<string>();
        await foreach (RawLine line in Lines.SplitAsync(PartsAsync(), maxLength, CancellationToken.None))
            lines.Add($"{line.Number}:{(line.Bytes is { } bytes ? Encoding.UTF8.GetString(bytes) : "too long")}");
        return [.. lines];

        async IAsyncEnumerable<byte[]> PartsAsync()
        {
            await Task.Yield();
            foreach (byte[] part in Encoding.UTF8.GetBytes(text).Chunk(partLength))
                yield return part;
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(100)]
    public async Task Lines_are_the_same_however_the_file_is_cut(int partLength)
    {
        Assert.Equal(["1:ab", "2:c", "4:d"], await SplitAsync("ab\nc\n\nd", partLength));
        Assert.Equal(["1:ab"], await SplitAsync("ab\n", partLength));
        Assert.Empty(await SplitAsync("\n\n", partLength));
        Assert.Equal(["1:too long", "2:abcd", "3:too long"], await SplitAsync("abcde\nabcd\nabcdefgh", partLength, maxLength: 4));
    }

    [Fact]
    public void A_line_that_is_nothing_but_space_is_none() =>
        Assert.Equal((null, null), BatchLines.Parse(new RawLine(1, " \t\r"u8.ToArray()), "/v1/responses"));

    [Fact]
    public void A_line_of_bytes_that_are_no_text_is_at_fault() =>
        Assert.Equal("invalid_json_line", BatchLines.Parse(new RawLine(1, [(byte)'{', 0xFF, (byte)'}']), "/v1/responses").Error!.Code);
}
