using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Anthropic;
using Formation.Inference.Gateway.Anthropic.Models;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.OpenAI.Models;
using Formation.Inference.Gateway.OpenApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Formation.Inference.Gateway.Models;

/// <summary>The routes that two dialects have under one name: whoever names a version of Anthropic's API gets its shape, everybody else OpenAI's.</summary>
internal static class ModelRoutes
{
    internal static void MapModels(this IEndpointRouteBuilder routes)
    {
        var openAI = routes.ServiceProvider.GetRequiredService<ModelsHandler>();
        var anthropic = routes.ServiceProvider.GetRequiredService<ModelInfoHandler>();

        routes.MapDescribed("GET", "/v1/models", ListAsync, "listModels", "Models", "Lists the models.")
            .RequireScope(KeyScopes.ModelsRead)
            .Answers<ModelList>().Fails(401, 403, 500);
        routes.MapDescribed("GET", "/v1/models/{**model}", GetAsync, "retrieveModel", "Models", "Describes a model.")
            .RequireScope(KeyScopes.ModelsRead)
            .Answers<ModelObject>().Fails(401, 403, 404, 500);

        Task ListAsync(HttpContext context) =>
            AnthropicVersion.IsNamedIn(context.Request) ? anthropic.ListAsync(context) : openAI.ListAsync(context);

        Task GetAsync(HttpContext context)
        {
            // An id may hold slashes, which clients send as they are or escaped; routing leaves the escaped ones alone.
            string id = ((string)context.Request.RouteValues["model"]!).Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
            return AnthropicVersion.IsNamedIn(context.Request) ? anthropic.GetAsync(context, id) : openAI.GetAsync(context, id);
        }
    }
}
