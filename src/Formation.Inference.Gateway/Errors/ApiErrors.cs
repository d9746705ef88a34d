using Formation.Inference.Gateway.Contents;

namespace Formation.Inference.Gateway.Errors;

/// <summary>The errors that don't depend on an endpoint's own parameters.</summary>
internal static class ApiErrors
{
    internal static ApiError MissingKey { get; } = new(
        401, ApiError.InvalidRequest, null, "No API key was given. Send one in the header `Authorization: Bearer YOUR_KEY`.");

    /// <summary>The same answer for a malformed, unknown, wrong, revoked and expired key.</summary>
    internal static ApiError InvalidKey { get; } = new(
        401, ApiError.InvalidRequest, "invalid_api_key",
        "The API key given is not valid on this server. Check it, or ask the operator for a new one.");

    internal static ApiError KeyInQuery { get; } = new(
        401, ApiError.InvalidRequest, "invalid_api_key",
        "An API key in the URL would end up in logs and is not accepted. Send it in the header `Authorization: Bearer YOUR_KEY`, and replace "
        + "this key.");

    internal static ApiError AmbiguousKey { get; } = new(
        400, ApiError.InvalidRequest, "invalid_api_key", "The request carries two different API keys. Send one, in one header.");

    internal static ApiError MissingScope(string scope) => new(
        403, ApiError.InvalidRequest, "insufficient_permissions", $"This API key may not be used here: it lacks the scope `{scope}`.");

    internal static ApiError TooManyRequests(int limit, bool ofAccount) => new(
        429, "requests", "rate_limit_exceeded",
        $"{(ofAccount ? "This account" : "The server")} has {limit} requests in progress, which is the limit. Wait for one to end, then try "
        + "again.")
    { RetryAfter = TimeSpan.FromSeconds(1) };

    internal static ApiError TooManyBatches { get; } = new(
        429, "requests", "rate_limit_exceeded",
        $"This account has {BatchTable.MaxOpen} batches in work, which is the limit. Wait for one to end, then try again.")
    { RetryAfter = TimeSpan.FromMinutes(1) };

    internal static ApiError TooManyInBackground { get; } = new(
        429, "requests", "rate_limit_exceeded",
        $"This account has {OpenResponseTable.MaxOpen} responses in the background, which is the limit. Wait for one to end, or cancel one, then try again.")
    { RetryAfter = TimeSpan.FromSeconds(5) };

    internal static ApiError ShuttingDown { get; } = new(
        503, ApiError.ServerError, "shutting_down", "The server is shutting down and takes no new requests. Try again shortly.")
    { RetryAfter = TimeSpan.FromSeconds(5) };

    internal static ApiError DatabaseUnavailable { get; } = new(
        503, ApiError.ServerError, "database_unavailable", "The server's database does not answer. Try again shortly.")
    { RetryAfter = TimeSpan.FromSeconds(5) };

    internal static ApiError Internal { get; } = new(
        500, ApiError.ServerError, null,
        "The server failed to handle the request. Quote the x-request-id header of this answer when you report it.");

    internal static ApiError UnknownUrl(string method, string path) => new(
        404, ApiError.InvalidRequest, "unknown_url", $"Unknown request URL: {method} {path}. Check the path for mistakes.");

    /// <param name="what">What the endpoint is about, in the plural.</param>
    internal static ApiError KeepsNothing(string what) => new(
        404, ApiError.InvalidRequest, "endpoint_not_available", $"This server keeps nothing that users write, and so no {what}.");

    internal static ApiError MethodNotAllowed(string method, string path, string allowed) => new(
        405, ApiError.InvalidRequest, "method_not_supported", $"{path} does not support {method}; use {allowed}.");

    internal static ApiError BodyTooLarge(long limit) => new(
        413, ApiError.InvalidRequest, "request_too_large",
        $"The request body is larger than the limit of {limit} bytes. Send a shorter request.");

    internal static ApiError BodyTooSlow { get; } = new(
        408, ApiError.InvalidRequest, "request_timeout", "The request body came too slowly. Try again.");

    internal static ApiError UnreadableBody { get; } = new(
        400, ApiError.InvalidRequest, null, "The request body could not be read to its end.");

    internal static ApiError UnsupportedContentType { get; } = new(
        415, ApiError.InvalidRequest, "unsupported_content_type",
        "The Content-Type of the request is not supported; send `application/json` in UTF-8.");

    internal static ApiError UnsupportedContentEncoding { get; } = new(
        415, ApiError.InvalidRequest, "unsupported_content_encoding",
        "The Content-Encoding of the request is not supported; send the body uncompressed.");

    internal static ApiError ModelNotFound(string id) => new(
        404, ApiError.InvalidRequest, "model_not_found",
        $"The model `{id}` does not exist on this server. GET /v1/models lists those that do.");
}
