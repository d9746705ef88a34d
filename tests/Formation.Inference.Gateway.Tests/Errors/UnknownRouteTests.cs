using System.Text;
using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Errors;

public class UnknownRouteTests(SharedGateway shared) : IClassFixture<SharedGateway>
{
    [Theory]
    [InlineData("GET", "/elsewhere")]
    [InlineData("POST", "/v1/chat")]
    [InlineData("POST", "/v1/embedding")]
    [InlineData("GET", "/v1/../metricsx")]
    public async Task An_unknown_path_is_a_404_in_the_one_shape(string method, string path)
    {
        using HttpResponseMessage response = await shared.Gateway.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        JsonElement error = await ErrorAssert.IsErrorAsync(response, 404, "unknown_url");
        Assert.Contains(method, error.GetProperty("message").GetString());
    }

    [Theory]
    [InlineData("POST", "/v1/moderations", "moderates")]
    [InlineData("POST", "/v1/audio/speech", "speaks")]
    [InlineData("POST", "/v1/audio/transcriptions", "hears")]
    [InlineData("POST", "/v1/images/generations", "draws")]
    [InlineData("POST", "/v1/videos", "videos")]
    [InlineData("POST", "/v1/fine_tuning/jobs", "trained")]
    [InlineData("GET", "/v1/assistants", "/v1/responses")]
    [InlineData("POST", "/v1/threads/t/runs", "/v1/responses")]
    [InlineData("POST", "/v1/conversations", "previous_response_id")]
    [InlineData("POST", "/v1/responses/compact", "truncation")]
    [InlineData("GET", "/v1/vector_stores", "searched")]
    [InlineData("POST", "/v1/uploads", "/v1/files")]
    public async Task A_path_of_OpenAI_s_that_is_not_there_says_what_is_missing(string method, string path, string words)
    {
        using HttpResponseMessage response = await shared.Gateway.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        JsonElement error = await ErrorAssert.IsErrorAsync(response, 404, "endpoint_not_available");
        Assert.Contains(words, error.GetProperty("message").GetString());
    }

    [Theory]
    [InlineData("PUT", "/v1/chat/completions", "POST")]
    [InlineData("DELETE", "/v1/models", "GET")]
    [InlineData("POST", "/v1/models/tiny", "GET")]
    [InlineData("PUT", "/health/live", "GET")]
    public async Task A_wrong_method_is_a_405_that_names_the_right_one(string method, string path, string allowed)
    {
        using HttpResponseMessage response = await shared.Gateway.Anonymous.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        JsonElement error = await ErrorAssert.IsErrorAsync(response, 405, "method_not_supported");
        Assert.Contains(allowed, error.GetProperty("message").GetString());
        Assert.Contains(allowed, response.Content.Headers.Allow);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data")]
    public async Task A_body_that_is_not_called_JSON_is_refused(string contentType)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(TestGateway.Chat()));
        content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        using HttpResponseMessage response = await shared.Gateway.Client.PostAsync("/v1/chat/completions", content);
        await ErrorAssert.IsErrorAsync(response, 415, "unsupported_content_type");
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public async Task A_compressed_body_is_refused_unread(string encoding)
    {
        var content = new ByteArrayContent(new byte[10]);
        content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        content.Headers.ContentEncoding.Add(encoding);
        using HttpResponseMessage response = await shared.Gateway.Client.PostAsync("/v1/chat/completions", content);
        await ErrorAssert.IsErrorAsync(response, 415, "unsupported_content_encoding");
    }

    [Fact]
    public async Task A_body_without_a_type_is_taken_for_JSON()
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(TestGateway.Chat()));
        using HttpResponseMessage response = await shared.Gateway.Client.PostAsync("/v1/chat/completions", content);
        Assert.True(response.IsSuccessStatusCode);
    }

    [Fact]
    public async Task Bytes_that_are_no_UTF_8_are_refused()
    {
        byte[] body = Encoding.Latin1.GetBytes(TestGateway.Chat(""","user":"Grüße" """));
        var content = new ByteArrayContent(body);
        content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        using HttpResponseMessage response = await shared.Gateway.Client.PostAsync("/v1/chat/completions", content);
        await ErrorAssert.IsErrorAsync(response, 400, "invalid_json");
    }
}
