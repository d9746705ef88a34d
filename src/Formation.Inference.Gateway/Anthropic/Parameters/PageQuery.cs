using System.Globalization;
using Microsoft.AspNetCore.Http;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.Anthropic.Parameters;

/// <summary>Which part of a list a caller wants; lists have the newest first.</summary>
/// <param name="Limit">Entries at most: 1 to 1000, 20 where it is not said.</param>
/// <param name="AfterId">The id of the entry that the page begins behind, or null.</param>
/// <param name="BeforeId">The id of the entry that the page ends before, or null; never both.</param>
internal sealed record PageQuery(int Limit, string? AfterId, string? BeforeId)
{
    const int DefaultLimit = 20;
    const int MaxLimit = 1000;

    internal static PageQuery Of(HttpContext context)
    {
        IQueryCollection query = context.Request.Query;
        var page = new PageQuery(ReadLimit(query["limit"]), Given(query["after_id"]), Given(query["before_id"]));
        return page is { AfterId: not null, BeforeId: not null }
            ? throw InvalidValue("after_id", "it is given with 'before_id'; send one of them.")
            : page;
    }

    static string? Given(string? value) => string.IsNullOrEmpty(value) ? null : value;

    static int ReadLimit(string? given)
    {
        if (string.IsNullOrEmpty(given))
            return DefaultLimit;
        if (!long.TryParse(given, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long limit))
            throw InvalidValue("limit", $"'{Shorten(given)}' is not a whole number.");
        return (int)Integer("limit", limit, 1, MaxLimit)!;
    }
}
