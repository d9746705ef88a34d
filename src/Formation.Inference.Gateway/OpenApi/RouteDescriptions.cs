using Formation.Inference.Gateway.Errors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;

namespace Formation.Inference.Gateway.OpenApi;

/// <summary>Routes that the OpenAPI document describes.</summary>
internal static class RouteDescriptions
{
    const string Json = "application/json";

    /// <summary>
    /// Maps a route. A <see cref="RequestDelegate"/> costs nothing at start, but only its method's metadata puts it into the document.
    /// </summary>
    internal static IEndpointConventionBuilder MapDescribed(
        this IEndpointRouteBuilder routes,
        string method,
        string pattern,
        RequestDelegate handler,
        string operationId,
        string tag,
        string summary) =>
        routes.MapMethods(pattern, [method], handler)
            .WithMetadata(
                handler.Method, new EndpointNameMetadata(operationId), new TagsAttribute(tag), new EndpointSummaryAttribute(summary));

    internal static IEndpointConventionBuilder Reads<T>(this IEndpointConventionBuilder route) =>
        route.WithMetadata(new AcceptsMetadata([Json], typeof(T)));

    internal static IEndpointConventionBuilder Answers<T>(this IEndpointConventionBuilder route, int status = StatusCodes.Status200OK) =>
        route.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(T), [Json]));

    /// <summary>Says that the route can answer with a stream of such events too.</summary>
    internal static IEndpointConventionBuilder Streams<T>(this IEndpointConventionBuilder route) =>
        route.Streams(typeof(T));

    /// <summary>The same where the events are of several kinds.</summary>
    internal static IEndpointConventionBuilder Streams(this IEndpointConventionBuilder route, params Type[] events) =>
        route.WithMetadata(new EventStreamOf(events));

    internal static IEndpointConventionBuilder Fails(this IEndpointConventionBuilder route, params ReadOnlySpan<int> statuses) =>
        route.FailsWith<ErrorBody>(statuses);

    /// <summary>The same where the dialect has an error object of its own.</summary>
    internal static IEndpointConventionBuilder FailsWith<T>(this IEndpointConventionBuilder route, params ReadOnlySpan<int> statuses)
    {
        foreach (int status in statuses)
            route.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(T), [Json]));
        return route;
    }
}
