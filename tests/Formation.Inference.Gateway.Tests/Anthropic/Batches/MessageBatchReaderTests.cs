using System.Text;
using Formation.Inference.Gateway.Anthropic.Batches;
using Formation.Inference.Gateway.Errors;

namespace Formation.Inference.Gateway.Tests.Anthropic.Batches;

public class MessageBatchReaderTests
{
    /// <summary>Gives a few bytes at a time, and counts how many it gave.</summary>
    sealed class Trickle(byte[] bytes, int atOnce) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(atOnce, buffer.Length)], cancellationToken);
    }

    static async Task<List<BatchRequest>> ReadAsync(Stream body, int maxRequestBytes = 1 << 20)
    {
        var requests = new List<BatchRequest>();
        await foreach (BatchRequest request in new MessageBatchReader(body, 1 << 28, maxRequestBytes).ReadAsync(CancellationToken.None))
            requests.Add(request);
        return requests;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100_000)]
    public async Task Requests_are_found_wherever_the_body_is_cut(int atOnce)
    {
        string text = """
             { "requests" : [ {"params":{"a":[1,{"b":"]}"}],"stream":false},"custom_id":"x-1"}
            , {"custom_id":"Y_2","params":{
            "t":"ä€😀\n" } } ] }

            """;
        List<BatchRequest> requests = await ReadAsync(new Trickle(Encoding.UTF8.GetBytes(text), atOnce));
        Assert.Equal(
            ["""x-1 {"a":[1,{"b":"]}"}],"stream":false}""", "Y_2 { \"t\":\"ä€😀\\n\" }"],
            requests.Select(request => $"{request.CustomId} {Encoding.UTF8.GetString(request.Params)}"));
    }

    [Fact]
    public async Task A_request_of_the_largest_length_is_taken_and_a_larger_one_is_not()
    {
        const int Limit = 300_000;
        string Request(int length)
        {
            const string Frame = """{"custom_id":"a","params":{"t":""}}""";
            return Frame.Replace("\"\"", $"\"{new string('x', length - Frame.Length)}\"", StringComparison.Ordinal);
        }

        Stream Body(string request) => new Trickle(Encoding.UTF8.GetBytes($$"""{"requests":[{{request}}]}"""), 4000);
        Assert.Single(await ReadAsync(Body(Request(Limit)), Limit));
        ApiErrorException refused = await Assert.ThrowsAsync<ApiErrorException>(() => ReadAsync(Body(Request(Limit + 1)), Limit));
        Assert.Equal((413, "requests[0]"), (refused.Error.Status, refused.Error.Param));
    }

    [Fact]
    public async Task A_request_without_an_end_is_refused_before_it_is_read()
    {
        Stream body = new Trickle(Encoding.UTF8.GetBytes($$"""{"requests":[{"params":{"t":"{{new string('x', 10_000_000)}}"""), 65_536);
        ApiErrorException refused = await Assert.ThrowsAsync<ApiErrorException>(() => ReadAsync(body, 100_000));
        Assert.Equal(413, refused.Error.Status);
        Assert.InRange(body.Position, 0, 1_000_000);
    }

    [Fact]
    public async Task One_request_more_than_a_batch_may_have_is_refused()
    {
        string items = string.Join(',', Enumerable.Range(0, MessageBatchReader.MaxRequests + 1).Select(i => $$$"""{"custom_id":"{{{i}}}","params":{}}"""));
        ApiErrorException refused = await Assert.ThrowsAsync<ApiErrorException>(
            () => ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes($$"""{"requests":[{{items}}]}"""))));
        Assert.Equal("array_above_max_length", refused.Error.Code);
    }

    [Fact]
    public async Task Text_that_is_no_UTF8_is_refused()
    {
        byte[] body = [.. """{"requests":[{"custom_id":"a","params":{"t":" """u8, 0xFF, .. "\"}}]}"u8];
        ApiErrorException refused = await Assert.ThrowsAsync<ApiErrorException>(() => ReadAsync(new MemoryStream(body)));
        Assert.Equal("requests[0]", refused.Error.Param);
    }
}
