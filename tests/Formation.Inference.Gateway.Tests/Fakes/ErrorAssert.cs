using System.Net;
using System.Text.Json;

namespace Formation.Inference.Gateway.Tests.Fakes;

/// <summary>Checks of error answers, in OpenAI's shape and no other.</summary>
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
}
