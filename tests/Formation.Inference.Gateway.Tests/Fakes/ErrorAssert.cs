using System.Net;
using System.Text.Json;

namespace Formation.Inference.Gateway.Tests.Fakes;

/// <summary>Checks of error answers, in one dialect's shape and no other.</summary>
internal static class ErrorAssert
{
    /// <summary>Checks status and shape, and returns the error object.</summary>
    public static async Task<JsonElement> IsErrorAsync(HttpResponseMessage response, int status, string? code, string type = "invalid_request_error")
    {
        string body = await response.Content.ReadAsStringAsync();
        Assert.True((HttpStatusCode)status == response.StatusCode, $"{(int)response.StatusCode} instead of {status}: {body}");
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        Assert.StartsWith("req_", Assert.Single(response.Headers.GetValues("x-request-id")));
        JsonElement root = JsonElement.Parse(body);
        Assert.Equal(["error"], root.EnumerateObject().Select(property => property.Name));
        JsonElement error = root.GetProperty("error");
        Assert.Equal(["message", "type", "param", "code"], error.EnumerateObject().Select(property => property.Name));
        Assert.Equal(type, error.GetProperty("type").GetString());
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.False(string.IsNullOrWhiteSpace(error.GetProperty("message").GetString()));
        return error;
    }

    /// <summary>Checks status and shape in the dialect of Hugging Face's services, and returns the message.</summary>
    public static async Task<string> IsHuggingFaceErrorAsync(HttpResponseMessage response, int status, string type)
    {
        string body = await response.Content.ReadAsStringAsync();
        Assert.True(status == (int)response.StatusCode, $"{(int)response.StatusCode} instead of {status}: {body}");
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        JsonElement root = JsonElement.Parse(body);
        Assert.Equal(["error", "error_type"], root.EnumerateObject().Select(property => property.Name).Take(2));
        Assert.Equal(type, root.GetProperty("error_type").GetString());
        string message = root.GetProperty("error").GetString()!;
        Assert.False(string.IsNullOrWhiteSpace(message));
        Assert.True(message.Length < 500);
        return message;
    }

    /// <summary>Checks status and shape in Anthropic's dialect, and returns the message.</summary>
    public static async Task<string> IsAnthropicErrorAsync(HttpResponseMessage response, int status, string type)
    {
        string body = await response.Content.ReadAsStringAsync();
        Assert.True(status == (int)response.StatusCode, $"{(int)response.StatusCode} instead of {status}: {body}");
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        JsonElement root = JsonElement.Parse(body);
        Assert.Equal(["type", "error", "request_id"], root.EnumerateObject().Select(property => property.Name));
        Assert.Equal("error", root.GetProperty("type").GetString());
        Assert.Equal(Assert.Single(response.Headers.GetValues("request-id")), root.GetProperty("request_id").GetString());
        JsonElement error = root.GetProperty("error");
        Assert.Equal(["type", "message"], error.EnumerateObject().Select(property => property.Name));
        Assert.Equal(type, error.GetProperty("type").GetString());
        string message = error.GetProperty("message").GetString()!;
        Assert.False(string.IsNullOrWhiteSpace(message));
        Assert.True(message.Length < 500);
        return message;
    }
}
