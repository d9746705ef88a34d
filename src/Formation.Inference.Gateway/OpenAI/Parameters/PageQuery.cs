using System.Globalization;
using Formation.Inference.Gateway.Errors;
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

    /// <summary>The page of a list that is in memory.</summary>
    /// <param name="entries">All of it, oldest first.</param>
    /// <param name="idOf">An entry's id.</param>
    /// <param name="what">What an entry is, and of what, for the message where there is none with the id of <see cref="After"/>.</param>
    /// <exception cref="ApiErrorException">There is none.</exception>
    internal (T[] Page, bool HasMore) Cut<T>(IReadOnlyList<T> entries, Func<T, string> idOf, string what)
    {
        T[] ordered = IsAscending ? [.. entries] : [.. entries.Reverse()];
        int begin = After is null ? 0 : Array.FindIndex(ordered, entry => idOf(entry) == After) + 1;
        if (After is not null && begin == 0)
            throw InvalidValue("after", $"no {what} has the id '{Shorten(After)}'.");
        T[] page = [.. ordered.Skip(begin).Take(Limit)];
        return (page, begin + page.Length < ordered.Length);
    }

    static int ReadLimit(string? given, int defaultLimit, int maxLimit) =>
        given is null ? defaultLimit
        : long.TryParse(given, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long limit) ? (int)Integer("limit", limit, 1, maxLimit)!
        : throw Fail("limit", "invalid_type", "Invalid type for 'limit': expected an integer, but got a string instead.");
}
