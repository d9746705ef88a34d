using Formation.Inference.Gateway.Anthropic;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Formation;
using Formation.Inference.Gateway.Health;
using Formation.Inference.Gateway.HuggingFace;
using Formation.Inference.Gateway.Limits;
using Formation.Inference.Gateway.Models;
using Formation.Inference.Gateway.OpenAI;
using Formation.Inference.Gateway.OpenApi;
using Formation.Inference.Gateway.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Formation.Inference.Gateway;

/// <summary>The way of a request through the gateway. <c>docs/request-path.md</c> follows it to the engine and back.</summary>
public static class GatewayPipeline
{
    /// <summary>Puts the gateway's middleware and routes into an application that <see cref="GatewayServices"/> prepared.</summary>
    public static WebApplication MapFormationGateway(this WebApplication app)
    {
        app.UseMiddleware<ObservationMiddleware>();
        app.UseMiddleware<ErrorMiddleware>();
        app.UseRouting();
        app.UseMiddleware<ShutdownMiddleware>();
        app.UseMiddleware<AuthenticationMiddleware>();

        app.MapOpenAI();
        app.MapAnthropic();
        app.MapHuggingFace();
        app.MapModels();
        app.MapFormation(app.Services.GetRequiredService<GatewayOptions>());
        app.MapHealth();
        app.MapMetrics();
        app.MapOpenApiDocument();
        return app;
    }
}
