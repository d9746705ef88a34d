using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Auth;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Formation.Inference.Gateway.Telemetry;

/// <summary><c>/metrics</c> in Prometheus' text format.</summary>
internal static class MetricsEndpoint
{
    internal static void MapMetrics(this IEndpointRouteBuilder routes)
    {
        var options = routes.ServiceProvider.GetRequiredService<GatewayOptions>();
        routes.MapPrometheusScrapingEndpoint("/metrics").RequireScope(options.MetricsRequireKey ? KeyScopes.NodeOperate : KeyScopes.None);
    }
}
