using System.Globalization;
using Microsoft.AspNetCore.Http;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.Parameters;

/// <summary>Which part of a list a caller wants.</summary>
/// <param name="Limit">Entries at most.</param>
/// <param name="IsAscending">Oldest first.</param>
/// <param name="After">The id of the entry that the page begins behind, or null.</param>
internal sealed record PageQuery(int Limit, bool IsAscending, string? After)
{
    internal static PageQuery Of(HttpContext context, int defaultLimit, int maxLimit, bool isAscending = false)
    {
        IQueryCollection query = context.Request.Query;
        return new PageQuery(
            ReadLimit(query["limit"], defaultLimit, maxLimit), OneOf("order", query["order"], "asc", "desc") is { } order ? order == "asc" : isAscending, query["after"] is [{ } after] ? after : null);
    }

    static int ReadLimit(string? given, int defaultLimit, int maxLimit) =>
        given is null ? defaultLimit
        : long.TryParse(given, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long limit) ? (int)Integer("limit", limit, 1, maxLimit)!
        : throw Fail("limit", "invalid_type", "Invalid type for 'limit': expected an integer, but got a string instead.");
}
