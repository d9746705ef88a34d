using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Formation.Inference.Gateway.HuggingFace.Models;

/// <summary>Tells the route <c>/models/{id}/pipeline/{task}</c>. Written <c>{**model:pipeline}</c> in a route.</summary>
internal sealed class PipelineConstraint : IRouteConstraint
{
    internal const string Name = "pipeline";

    const string Between = "/pipeline/";

    public bool Match(HttpContext? httpContext, IRouter? route, string routeKey, RouteValueDictionary values, RouteDirection routeDirection) =>
        values[routeKey] is string path && Split(path) is not null;

    /// <summary>What stands before and behind the word, or null where it is not there, or nothing on one of its sides.</summary>
    internal static (string Id, string Task)? Split(string path)
    {
        int at = path.LastIndexOf(Between, StringComparison.Ordinal);
        return at > 0 && path[(at + Between.Length)..] is { Length: > 0 } task && !task.Contains('/') ? (path[..at], task) : null;
    }
}

/// <summary>Marks the route that <see cref="PipelineConstraint"/> tells.</summary>
internal sealed record PipelineCall;
