using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using Formation.Inference.Gateway.Errors;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.Requests;

/// <summary>Step 2 of the request path: the body as the endpoint's own type, or a 400 that says where it is not.</summary>
internal static class JsonBody
{
    /// <summary>Deepest nesting of arrays and objects that is read.</summary>
    internal const int MaxDepth = 64;

    /// <summary>
    /// Objects, arrays and names in one body at most. Each costs some hundred bytes once it is read, and only a few on the wire: without a
    /// limit a body of the allowed length could take a hundred times that in memory.
    /// </summary>
    internal const int MaxValues = 65_536;

    internal static async Task<T> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type, int limit) where T : class
    {
        using RequestBody body = await RequestBody.ReadAsync(context.Request, limit, context.RequestAborted);
        return Parse(body.Bytes, type);
    }

    internal static T Parse<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type) where T : class
    {
        if (!Utf8.IsValid(json))
            throw new ApiErrorException(ApiError.BadParameter(null, "invalid_json", "The request body is not valid UTF-8."));
        try
        {
            CheckValueCount(json);
            T? value = JsonSerializer.Deserialize(json, type);
            if (value is not null)
                return value;
        }
        catch (JsonException exception)
        {
            throw new ApiErrorException(JsonFailure.Explain(json, exception, type));
        }

        throw new ApiErrorException(
            ApiError.BadParameter(null, "invalid_type", "The request body is `null`; send a JSON object with the request's parameters."));
    }

    /// <exception cref="JsonException">The body is not JSON, or nested too deeply.</exception>
    static void CheckValueCount(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        int values = 0;
        while (reader.Read())
            if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.StartObject or JsonTokenType.StartArray && ++values > MaxValues)
                throw new ApiErrorException(ApiError.BadParameter(
                    null, "too_many_values", $"The request body has more than {MaxValues} objects, arrays and names, which is the limit."));
    }
}
