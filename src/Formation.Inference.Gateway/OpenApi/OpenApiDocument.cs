using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Formation;
using Formation.Inference.Gateway.Health;
using Formation.Inference.Gateway.OpenAI;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace Formation.Inference.Gateway.OpenApi;

/// <summary><c>/openapi/v1.json</c>: describes every route, made from the routes and types themselves when it is first asked for.</summary>
internal static class OpenApiDocument
{
    const string KeyScheme = "apiKey";

    internal static void AddOpenApiDocument(this IServiceCollection services)
    {
        services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
            json.SerializerOptions.TypeInfoResolver = JsonTypeInfoResolver.Combine(
                OpenAIJsonContext.Default, FormationJsonContext.Default, ErrorJsonContext.Default, HealthJsonContext.Default);
        });
        services.AddOpenApi("v1", openApi =>
        {
            openApi.AddOperationTransformer(async (operation, context, cancellationToken) =>
            {
                IList<object> metadata = context.Description.ActionDescriptor.EndpointMetadata;
                if (metadata.OfType<AccessPolicy>().LastOrDefault() is not { IsPublic: true })
                    operation.Security = [new() { [new OpenApiSecuritySchemeReference(KeyScheme, context.Document)] = [] }];
                if (metadata.OfType<EventStreamOf>().LastOrDefault() is { } stream)
                    await DescribeStreamAsync(operation, stream, context, cancellationToken);
                if (context.Description.RelativePath!.EndsWith("model}", StringComparison.Ordinal))
                    operation.Parameters = [ModelIdParameter()];
            });
            openApi.AddDocumentTransformer((document, _, _) =>
            {
                document.Info = new OpenApiInfo
                {
                    Title = "Formation Inference Engine",
                    Version = typeof(OpenApiDocument).Assembly.GetName().Version!.ToString(3),
                    Description = "Serves language models over OpenAI's API. docs/api/openai.md says where the two differ.",
                };
                document.AddComponent(KeyScheme, new OpenApiSecurityScheme
                {
                    Type = SecuritySchemeType.Http,
                    Scheme = "bearer",
                    Description = "An API key of this server.",
                });
                RequestShapes.Apply(document);
                return Task.CompletedTask;
            });
        });
    }

    internal static void MapOpenApiDocument(this IEndpointRouteBuilder routes) =>
        routes.MapOpenApi("/openapi/{documentName}.json").AllowPublic();

    static async Task DescribeStreamAsync(
        OpenApiOperation operation, EventStreamOf stream, Microsoft.AspNetCore.OpenApi.OpenApiOperationTransformerContext context,
        CancellationToken cancellationToken)
    {
        OpenApiSchema chunk = await context.GetOrCreateSchemaAsync(stream.Chunk, null, cancellationToken);
        context.Document!.AddComponent(stream.Chunk.Name, chunk);
        if (operation.Responses?["200"] is OpenApiResponse { Content: { } content })
            content["text/event-stream"] = new OpenApiMediaType
            {
                Schema = new OpenApiSchemaReference(stream.Chunk.Name, context.Document),
            };
    }

    static OpenApiParameter ModelIdParameter() => new()
    {
        Name = "model",
        In = ParameterLocation.Path,
        Required = true,
        Description = "The model's id. Its slashes may be sent as they are.",
        Schema = new OpenApiSchema { Type = JsonSchemaType.String },
    };
}

/// <summary>A route that answers with a stream of events where the request says <c>"stream": true</c>.</summary>
/// <param name="Chunk">The data of each event.</param>
internal sealed record EventStreamOf(Type Chunk);
