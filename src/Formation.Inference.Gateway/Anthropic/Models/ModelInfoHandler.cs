using Formation.Inference.Gateway.Anthropic.Parameters;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.Anthropic.Models;

/// <summary><c>GET /v1/models</c> and <c>GET /v1/models/{id}</c> for clients that name a version of Anthropic's API.</summary>
internal sealed class ModelInfoHandler(IModelCatalog catalog, GatewayOptions options)
{
    internal Task ListAsync(HttpContext context)
    {
        AnthropicVersion.Check(context.Request);
        PageQuery asked = PageQuery.Of(context);

        // The newest first, as the service has them.
        ModelDescription[] all = [.. InLifecycles(context.Request.Query).OrderByDescending(model => model.Created).ThenBy(model => model.Id, StringComparer.Ordinal)];
        (int start, int end, bool hasMore) = asked switch
        {
            { AfterId: { } after } => After(IndexOf("after_id", after)),
            { BeforeId: { } before } => Before(IndexOf("before_id", before)),
            _ => After(-1),
        };
        ModelInfo[] page = [.. all[start..end].Select(Describe)];
        return WholeAnswer.WriteAsync(
            context,
            new ModelInfoPage(page, hasMore, page.FirstOrDefault()?.Id, page.LastOrDefault()?.Id),
            AnthropicJsonContext.Answers.ModelInfoPage);

        (int, int, bool) After(int index)
        {
            int end = Math.Min(all.Length, index + 1 + asked.Limit);
            return (index + 1, end, end < all.Length);
        }

        (int, int, bool) Before(int index)
        {
            int start = Math.Max(0, index - asked.Limit);
            return (start, index, start > 0);
        }

        int IndexOf(string param, string id)
        {
            int index = Array.FindIndex(all, model => model.Id == id);
            return index >= 0 ? index : throw InvalidValue(param, $"there is no model '{Shorten(id)}'.");
        }
    }

    internal Task GetAsync(HttpContext context, string id)
    {
        AnthropicVersion.Check(context.Request);
        ModelDescription model = catalog.Find(id) ?? throw new ApiErrorException(ApiErrors.ModelNotFound(Shorten(id)));
        return WholeAnswer.WriteAsync(context, Describe(model), AnthropicJsonContext.Answers.ModelInfo);
    }

    // Batches need what keeps their requests and results.
    ModelInfo Describe(ModelDescription model) => ModelInfo.From(model, runsBatches: options.Contents is not null);

    /// <summary>The models in the stages of life that are asked for; all models here are in one.</summary>
    IEnumerable<ModelDescription> InLifecycles(IQueryCollection query)
    {
        string?[] asked = [.. query["lifecycle"], .. query["lifecycle[]"]];
        foreach (string? stage in asked)
            OneOf("lifecycle", stage, ModelInfo.Active, "deprecated", "retired");
        return asked.Length == 0 || asked.Contains(ModelInfo.Active) ? catalog.List() : [];
    }
}
