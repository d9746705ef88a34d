using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Formation.Inference.Gateway.HuggingFace.Models;

/// <summary>
/// Tells the routes <c>/models/{id}/{call}</c> apart: ids have slashes, so that only the end of a path says what is called. Written
/// <c>{**model:call(generate)}</c> in a route.
/// </summary>
/// <param name="call">The end of the path.</param>
internal sealed class ModelCallConstraint(string call) : IRouteConstraint
{
    internal const string Name = "call";

    public bool Match(HttpContext? httpContext, IRouter? route, string routeKey, RouteValueDictionary values, RouteDirection routeDirection) =>
        values[routeKey] is string path && IdOf(path, call) is not null;

    /// <summary>What stands before the call, or null where the path does not end with it.</summary>
    internal static string? IdOf(string path, string call) =>
        path.Length > call.Length + 1 && path[^(call.Length + 1)] == '/' && path.EndsWith(call, StringComparison.Ordinal) ? path[..^(call.Length + 1)] : null;
}

/// <summary>Says of a route <c>/models/{id}/{call}</c> what its call is.</summary>
/// <param name="Name">The end of its path.</param>
internal sealed record ModelCall(string Name);
