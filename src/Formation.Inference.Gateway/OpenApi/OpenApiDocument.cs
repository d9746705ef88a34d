using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.OpenAI;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Formation.Inference.Gateway.OpenApi;

/// <summary><c>/openapi/v1.json</c>: describes every route, made from the routes and types themselves when it is first asked for.</summary>
internal static class OpenApiDocument
{
    internal static void AddOpenApiDocument(this IServiceCollection services)
    {
        services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.PropertyNamingPolicy = System.Text.Json.JsonNamingPolicy.SnakeCaseLower;
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, OpenAIJsonContext.Default);
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, Errors.ErrorJsonContext.Default);
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, Health.HealthJsonContext.Default);
        });
        services.AddOpenApi("v1");
    }

    internal static void MapOpenApiDocument(this IEndpointRouteBuilder routes) => routes.MapOpenApi("/openapi/{documentName}.json").AllowPublic();
}
