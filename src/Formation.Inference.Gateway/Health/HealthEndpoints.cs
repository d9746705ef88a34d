using System.Text.Json.Serialization;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.OpenApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Formation.Inference.Gateway.Health;

/// <summary>
/// <c>/health/live</c>: the process answers. <c>/health/ready</c>: it can serve; 503 while the models that the operator asked for load,
/// after
/// their load failed, and once the server stops.
/// </summary>
internal static class HealthEndpoints
{
    internal static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapDescribed("GET", "/health/live", Live, "live", "Health", "Says that the process runs.").AllowPublic()
            .Answers<HealthReport>();
        routes.MapDescribed("GET", "/health/ready", Ready, "ready", "Health", "Says whether requests can be served.").AllowPublic()
            .Answers<HealthReport>().Answers<HealthReport>(StatusCodes.Status503ServiceUnavailable);
    }

    static Task Live(HttpContext context) => WriteAsync(context, new HealthReport("live", null));

    static Task Ready(HttpContext context)
    {
        HealthReport report = Report(context.RequestServices);
        if (report.Status != "ready")
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            context.Response.Headers.RetryAfter = "1";
        }

        return WriteAsync(context, report);
    }

    /// <summary>Whether the server can serve.</summary>
    internal static bool IsReady(IServiceProvider services) => Report(services).Status == "ready";

    static HealthReport Report(IServiceProvider services)
    {
        var options = services.GetRequiredService<GatewayOptions>();
        bool stopping = services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested;
        return Report(options.ModelsForReadiness, services.GetRequiredService<IModelCatalog>(), stopping);
    }

    static HealthReport Report(IReadOnlyList<string> models, IModelCatalog catalog, bool stopping)
    {
        // Model names are left out: this page needs no key.
        if (stopping)
            return new HealthReport("stopping", null);
        ModelDescription?[] found = [.. models.Select(catalog.Find)];
        if (found.Any(model => model is null || model.State == ModelState.Failed))
            return new HealthReport("failed", null);
        double[] unfinished = [.. found.Where(model => model!.State != ModelState.Ready).Select(model => model!.LoadProgress)];
        return unfinished.Length == 0 ? new HealthReport("ready", null) : new HealthReport("loading", unfinished.Min());
    }

    static Task WriteAsync(HttpContext context, HealthReport report)
    {
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsJsonAsync(
            report, HealthJsonContext.Default.HealthReport, "application/json", context.RequestAborted);
    }
}

/// <summary>The state of the server.</summary>
/// <param name="Status"><c>live</c>, <c>ready</c>, <c>loading</c>, <c>failed</c> or <c>stopping</c>.</param>
/// <param name="LoadProgress">While loading: how far the slowest model is, 0 to 1.</param>
internal sealed record HealthReport(string Status, double? LoadProgress);

[JsonSerializable(typeof(HealthReport))]
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
internal sealed partial class HealthJsonContext : JsonSerializerContext;
