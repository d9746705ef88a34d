using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Formation.Inference.Gateway.Anthropic;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Formation;
using Formation.Inference.Gateway.Health;
using Formation.Inference.Gateway.HuggingFace;
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
                OpenAIJsonContext.Default, AnthropicJsonContext.Default, HuggingFaceJsonContext.Default, FormationJsonContext.Default, ErrorJsonContext.Default, HealthJsonContext.Default);
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
                    Description = "Serves language models over the APIs of OpenAI, Anthropic and Hugging Face. docs/api says where they differ.",
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
        var events = new List<IOpenApiSchema>();
        foreach (Type type in stream.Events)
        {
            context.Document!.AddComponent(type.Name, await context.GetOrCreateSchemaAsync(type, null, cancellationToken));
            events.Add(new OpenApiSchemaReference(type.Name, context.Document));
        }

        if (operation.Responses?["200"] is OpenApiResponse { Content: { } content })
            content["text/event-stream"] = new OpenApiMediaType
            {
                Schema = events.Count == 1 ? events[0] : new OpenApiSchema { OneOf = events },
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
/// <param name="Events">The kinds of data that its events have.</param>
internal sealed record EventStreamOf(IReadOnlyList<Type> Events);
