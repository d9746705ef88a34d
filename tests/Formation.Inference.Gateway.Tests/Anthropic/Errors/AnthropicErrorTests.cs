using System.Net.Http.Headers;
using System.Text;
using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Anthropic.Errors;

/// <summary>Failures in Anthropic's dialect, wherever in a request's way they happen.</summary>
public class AnthropicErrorTests
{
    const string Path = "/v1/messages";

    public static TheoryData<GenerationErrorKind, int, string> Table => new()
    {
        { GenerationErrorKind.InvalidRequest, 400, "invalid_request_error" },
        { GenerationErrorKind.ModelNotFound, 404, "not_found_error" },
        { GenerationErrorKind.ContextLengthExceeded, 400, "invalid_request_error" },
        { GenerationErrorKind.QueueFull, 429, "rate_limit_error" },
        { GenerationErrorKind.ModelUnavailable, 529, "overloaded_error" },
        { GenerationErrorKind.ShuttingDown, 529, "overloaded_error" },
        { GenerationErrorKind.Internal, 500, "api_error" },
    };

    [Theory]
    [MemberData(nameof(Table))]
    public async Task Each_kind_has_its_status_and_type(GenerationErrorKind kind, int status, string type)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(Scripts.Failure(kind));
        foreach ((string path, string more) in ((string, string)[])[(Path, ""), (Path, ""","stream":true""")])
        {
            using HttpResponseMessage response = await gateway.SendAnthropicAsync(path, TestGateway.Messages(more));
            Assert.Equal($"scripted {kind}", await ErrorAssert.IsAnthropicErrorAsync(response, status, type));
            Assert.Equal(status is 429 or 529 ? TimeSpan.FromSeconds(1) : null, response.Headers.RetryAfter?.Delta);
        }
    }

    [Fact]
    public void Every_kind_is_in_the_table() =>
        Assert.Equal(Enum.GetValues<GenerationErrorKind>(), Table.Select(row => row.Data.Item1).Order());

    [Fact]
    public async Task A_wrong_key_is_refused_before_anything_else_is_looked_at()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        foreach (string? key in (string?[])["wrong", null])
        {
            using HttpResponseMessage response = await gateway.SendAnthropicAsync(Path, "not even JSON", version: null, key);
            await ErrorAssert.IsAnthropicErrorAsync(response, 401, "authentication_error");
        }
    }

    [Fact]
    public async Task A_key_without_the_scope_has_no_permission()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        NewApiKey reader = await gateway.Keys.CreateAsync("reader", "acct", KeyScopes.ModelsRead);
        using HttpResponseMessage response = await gateway.SendAnthropicAsync(Path, TestGateway.Messages(), key: reader.Plaintext.Value);
        Assert.Contains("Chat", await ErrorAssert.IsAnthropicErrorAsync(response, 403, "permission_error"));
    }

    [Fact]
    public async Task A_version_that_is_missing_or_unknown_is_told_with_those_that_there_are()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        foreach (string path in (string[])[Path, "/v1/messages/count_tokens"])
        {
            using HttpResponseMessage missing = await gateway.SendAnthropicAsync(path, TestGateway.Messages(), version: null);
            string message = await ErrorAssert.IsAnthropicErrorAsync(missing, 400, "invalid_request_error");
            Assert.Contains("anthropic-version", message);
            Assert.Contains("2023-06-01", message);
            Assert.Contains("2026-10-21", message);
            using HttpResponseMessage unknown = await gateway.SendAnthropicAsync(path, TestGateway.Messages(), version: "2023-01-01");
            Assert.Contains("'2023-01-01'", await ErrorAssert.IsAnthropicErrorAsync(unknown, 400, "invalid_request_error"));
        }

        using HttpResponseMessage models = await gateway.SendAnthropicAsync("/v1/models", version: "1");
        await ErrorAssert.IsAnthropicErrorAsync(models, 400, "invalid_request_error");
    }

    [Fact]
    public async Task What_no_handler_sees_is_told_in_the_same_shape()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { MaxRequestBodyBytes = 2048 });
        using HttpResponseMessage route = await gateway.SendAnthropicAsync("/v1/messages/others", "{}");
        Assert.Contains("/v1/messages/others", await ErrorAssert.IsAnthropicErrorAsync(route, 404, "not_found_error"));
        using HttpResponseMessage elsewhere = await gateway.SendAnthropicAsync("/v1/complete", "{}");
        await ErrorAssert.IsAnthropicErrorAsync(elsewhere, 404, "not_found_error");
        using HttpResponseMessage method = await gateway.SendAnthropicAsync(Path);
        Assert.Contains("POST", await ErrorAssert.IsAnthropicErrorAsync(method, 405, "invalid_request_error"));
        using HttpResponseMessage large = await gateway.SendAnthropicAsync(Path, TestGateway.Messages($",\"system\":\"{new string('x', 4096)}\""));
        Assert.Contains("2048", await ErrorAssert.IsAnthropicErrorAsync(large, 413, "request_too_large"));
    }

    [Fact]
    public async Task A_body_that_is_not_called_JSON_is_refused()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        var request = new HttpRequestMessage(HttpMethod.Post, Path) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(TestGateway.Messages())) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("text/plain");
        request.Headers.Add("anthropic-version", "2023-06-01");
        using HttpResponseMessage response = await gateway.Client.SendAsync(request);
        await ErrorAssert.IsAnthropicErrorAsync(response, 415, "invalid_request_error");
    }

    [Fact]
    public async Task Too_many_requests_at_once_are_a_rate_limit()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { MaxConcurrentRequestsPerAccount = 1 });
        gateway.Backend.Script = Scripts.ThenWait(new GenerationStarted(3), new GenerationDelta(0, "Hel", []));
        using HttpResponseMessage first = await gateway.SendAnthropicAsync(Path, TestGateway.Messages(""","stream":true"""));
        using HttpResponseMessage second = await gateway.SendAnthropicAsync(Path, TestGateway.Messages());
        await ErrorAssert.IsAnthropicErrorAsync(second, 429, "rate_limit_error");
    }

    [Theory]
    [InlineData("")]
    [InlineData(""","stream":true""")]
    public async Task An_exception_of_the_backend_tells_nothing(string stream)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.ThenThrow();
        using HttpResponseMessage response = await gateway.SendAnthropicAsync(Path, TestGateway.Messages(stream));
        Assert.DoesNotContain("CANARY", await ErrorAssert.IsAnthropicErrorAsync(response, 500, "api_error"));
        Assert.DoesNotContain(gateway.Logs.Lines, line => line.Contains("CANARY"));
    }

    [Theory]
    [InlineData("")]
    [InlineData(""","stream":true""")]
    public async Task A_backend_that_just_stops_is_never_taken_for_a_complete_answer(string stream)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(new GenerationStarted(3), new GenerationDelta(0, "Hel", []));
        using HttpResponseMessage response = await gateway.SendAnthropicAsync(Path, TestGateway.Messages(stream));
        string text = await response.Content.ReadAsStringAsync();
        Assert.Contains("\"type\":\"api_error\"", text);
        Assert.DoesNotContain("message_stop", text);
    }
}
