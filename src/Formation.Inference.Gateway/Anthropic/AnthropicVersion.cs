using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Requests;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Formation.Inference.Gateway.Anthropic;

/// <summary>
/// The version of the API that a client names with each request. Both versions have the same bodies for all that this server has; they differ in
/// the header that clients put the key in, and either is taken with either.
/// </summary>
internal static class AnthropicVersion
{
    internal const string Header = "anthropic-version";

    /// <summary>What the official clients send: before their version 1, and from it on.</summary>
    static readonly string[] Known = ["2023-06-01", "2026-10-21"];

    /// <summary>Whether a request names a version, right or wrong: nobody else's client does.</summary>
    internal static bool IsNamedIn(HttpRequest request) => request.Headers.ContainsKey(Header);

    /// <exception cref="ApiErrorException">The version is missing or unknown (400).</exception>
    internal static void Check(HttpRequest request)
    {
        StringValues given = request.Headers[Header];
        if (given.Count == 0)
            throw ParameterChecks.Fail(
                Header, "missing_required_parameter", $"The header '{Header}' is missing. Send one of: '{string.Join("', '", Known)}'.");
        if (given.Count > 1 || !Known.Contains(given[0]))
            throw ParameterChecks.Fail(
                Header,
                "invalid_value",
                $"The header '{Header}' has an unknown value: '{ParameterChecks.Shorten(given.ToString())}'. Known are: '{string.Join("', '", Known)}'.");
    }
}
