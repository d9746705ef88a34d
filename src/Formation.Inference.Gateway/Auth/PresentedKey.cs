using Formation.Inference.Gateway.Errors;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Formation.Inference.Gateway.Auth;

/// <summary>Finds the key in a request's headers: <c>Authorization: Bearer KEY</c> or <c>X-API-Key: KEY</c>.</summary>
internal static class PresentedKey
{
    const int MaxLength = 512;
    const string Scheme = "Bearer ";
    static readonly string[] QueryNames = ["api_key", "api-key", "apikey", "key", "token", "access_token"];

    /// <exception cref="ApiErrorException">There is none, there are two, or it is in the wrong place.</exception>
    internal static string Read(HttpRequest request)
    {
        if (request.QueryString.HasValue && QueryNames.Any(request.Query.ContainsKey))
            throw new ApiErrorException(ApiErrors.KeyInQuery);

        string? bearer = One(request.Headers.Authorization);
        string? other = One(request.Headers["X-API-Key"]);
        if (bearer is not null)
        {
            if (!bearer.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
                throw new ApiErrorException(ApiErrors.MissingKey);
            bearer = bearer[Scheme.Length..].Trim();
            if (other is not null && other != bearer)
                throw new ApiErrorException(ApiErrors.AmbiguousKey);
        }

        string key = bearer ?? other ?? "";
        if (key.Length == 0)
            throw new ApiErrorException(ApiErrors.MissingKey);
        if (key.Length > MaxLength)
            throw new ApiErrorException(ApiErrors.InvalidKey);
        return key;
    }

    static string? One(StringValues header) => header.Count switch
    {
        0 => null,
        1 => header[0],
        _ => throw new ApiErrorException(ApiErrors.AmbiguousKey),
    };
}
