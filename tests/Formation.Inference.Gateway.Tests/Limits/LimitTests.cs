using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Limits;

public class LimitTests
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Requests_above_the_limit_are_told_to_wait(bool ofAccount)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => ofAccount
            ? options with { MaxConcurrentRequestsPerAccount = 2 }
            : options with { MaxConcurrentRequests = 2 });
        gateway.Backend.Script = Scripts.ThenWait(new GenerationStarted(1));
        using HttpResponseMessage first = await gateway.ChatAsync(""","stream":true""");
        using HttpResponseMessage second = await gateway.ChatAsync(""","stream":true""");
        using HttpResponseMessage third = await gateway.ChatAsync(""","stream":true""");
        JsonElement error = await ErrorAssert.IsErrorAsync(third, 429, "rate_limit_exceeded", "requests");
        Assert.Contains("2 requests", error.GetProperty("message").GetString());
        Assert.Equal(TimeSpan.FromSeconds(1), third.Headers.RetryAfter!.Delta);

        // The list of models and the health pages are not generations.
        Assert.True((await gateway.Client.GetAsync("/v1/models")).IsSuccessStatusCode);

        first.Dispose();
        gateway.Backend.Script = Scripts.Words("free");
        await Eventually.TrueAsync(async () =>
        {
            using HttpResponseMessage again = await gateway.ChatAsync();
            return again.IsSuccessStatusCode;
        });
    }

    [Fact]
    public async Task Refused_requests_give_their_place_back()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { MaxConcurrentRequests = 1 });
        for (int i = 0; i < 5; i++)
            await ErrorAssert.IsErrorAsync(await gateway.ChatAsync(""","n":0"""), 400, "integer_below_min_value");
        Assert.True((await gateway.ChatAsync()).IsSuccessStatusCode);
    }

    [Fact]
    public async Task A_body_of_31_MB_is_too_large()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string start = await SendRawAsync(
            gateway, "Content-Length: 32505856\r\nExpect: 100-continue\r\n", []);
        Assert.StartsWith("HTTP/1.1 413", start);
        Assert.Contains("\"code\":\"request_too_large\"", start);
    }

    [Fact]
    public async Task A_chunked_body_is_cut_at_the_limit()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { MaxRequestBodyBytes = 4096 });
        string answer = await SendRawAsync(
            gateway, "Transfer-Encoding: chunked\r\n", Encoding.ASCII.GetBytes("2000\r\n" + new string(' ', 0x2000) + "\r\n"));
        Assert.StartsWith("HTTP/1.1 413", answer);
        Assert.Contains("4096 bytes", answer);
    }

    [Fact]
    public async Task A_body_of_exactly_the_limit_is_read()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { MaxRequestBodyBytes = 4096 });
        string body = TestGateway.Chat();
        Assert.True((await gateway.PostAsync("/v1/chat/completions", body.PadRight(4096))).IsSuccessStatusCode);
        await ErrorAssert.IsErrorAsync(await gateway.PostAsync("/v1/chat/completions", body.PadRight(4097)), 413, "request_too_large");
    }

    [Fact]
    public async Task Too_many_headers_are_refused()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        var headers = new StringBuilder("Content-Length: 0\r\n");
        for (int i = 0; i < 101; i++)
            headers.Append($"X-{i}: y\r\n");
        Assert.StartsWith("HTTP/1.1 431", await SendRawAsync(gateway, headers.ToString(), []));
    }

    [Fact]
    public async Task A_request_with_two_lengths_is_refused_and_its_connection_closed()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string answer = await SendRawAsync(gateway, "Content-Length: 5\r\nContent-Length: 6\r\n", "12345"u8.ToArray());
        Assert.StartsWith("HTTP/1.1 400", answer);
        Assert.Equal(1, answer.Split("HTTP/1.1").Length - 1);
    }

    [Fact]
    public async Task Headers_that_do_not_end_are_given_up()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { RequestHeadersTimeout = TimeSpan.FromSeconds(1) });
        using var socket = new TcpClient();
        await socket.ConnectAsync(gateway.Url.Host, gateway.Url.Port);
        await socket.GetStream().WriteAsync("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-Slow: "u8.ToArray());
        Assert.StartsWith("HTTP/1.1 408", await ReadToEndAsync(socket));
    }

    [Fact]
    public async Task A_body_that_hardly_comes_is_given_up()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { DataRateGracePeriod = TimeSpan.FromSeconds(1.5) });
        string answer = await SendRawAsync(gateway, "Content-Length: 100000\r\n", "{"u8.ToArray());
        Assert.StartsWith("HTTP/1.1 408", answer);
        Assert.Contains("\"code\":\"request_timeout\"", answer);
    }

    [Fact]
    public void Options_out_of_range_are_all_named()
    {
        var options = new GatewayOptions
        {
            Authentication = new GatewayAuthentication.Anonymous(),
            MaxConcurrentRequests = 0,
            ShutdownTimeout = TimeSpan.Zero,
            OtlpEndpoint = new Uri("ftp://collector"),
        };
        var exception = Assert.Throws<ArgumentException>(options.Validate);
        Assert.Contains("MaxConcurrentRequests is 0", exception.Message);
        Assert.Contains("ShutdownTimeout is 00:00:00", exception.Message);
        Assert.Contains("ftp://collector", exception.Message);
    }

    static async Task<string> SendRawAsync(TestGateway gateway, string headers, byte[] body)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(gateway.Url.Host, gateway.Url.Port);
        string head = $"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {TestGateway.OperatorKey}\r\n"
            + $"Content-Type: application/json\r\n{headers}\r\n";
        await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head));
        await socket.GetStream().WriteAsync(body);
        return await ReadToEndAsync(socket);
    }

    static async Task<string> ReadToEndAsync(TcpClient socket)
    {
        var answer = new MemoryStream();
        try
        {
            await socket.GetStream().CopyToAsync(answer).WaitAsync(Patience);
        }
        catch (IOException)
        {
            // The server may reset a connection whose body it does not read; what came before counts.
        }

        return Encoding.UTF8.GetString(answer.ToArray());
    }
}
