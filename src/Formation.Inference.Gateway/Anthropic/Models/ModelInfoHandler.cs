using System.Globalization;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.Anthropic.Models;

/// <summary><c>GET /v1/models</c> and <c>GET /v1/models/{id}</c> for clients that name a version of Anthropic's API.</summary>
internal sealed class ModelInfoHandler(IModelCatalog catalog)
{
    const int DefaultLimit = 20;
    const int MaxLimit = 1000;

    internal Task ListAsync(HttpContext context)
    {
        AnthropicVersion.Check(context.Request);
        IQueryCollection query = context.Request.Query;
        int limit = Limit(query["limit"]);

        // The newest first, as the service has them.
        ModelDescription[] all = [.. InLifecycles(query).OrderByDescending(model => model.Created).ThenBy(model => model.Id, StringComparer.Ordinal)];
        (int start, int end, bool hasMore) = (query["after_id"].ToString(), query["before_id"].ToString()) switch
        {
            ("", "") => After(-1),
            (var after, "") => After(IndexOf("after_id", after)),
            ("", var before) => Before(IndexOf("before_id", before)),
            _ => throw InvalidValue("after_id", "it is given with 'before_id'; send one of them."),
        };
        ModelInfo[] page = [.. all[start..end].Select(ModelInfo.From)];
        return WholeAnswer.WriteAsync(
            context,
            new ModelInfoPage(page, hasMore, page.FirstOrDefault()?.Id, page.LastOrDefault()?.Id),
            AnthropicJsonContext.Answers.ModelInfoPage);

        (int, int, bool) After(int index)
        {
            int end = Math.Min(all.Length, index + 1 + limit);
            return (index + 1, end, end < all.Length);
        }

        (int, int, bool) Before(int index)
        {
            int start = Math.Max(0, index - limit);
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
        return WholeAnswer.WriteAsync(context, ModelInfo.From(model), AnthropicJsonContext.Answers.ModelInfo);
    }

    /// <summary>The models in the stages of life that are asked for; all models here are in one.</summary>
    IEnumerable<ModelDescription> InLifecycles(IQueryCollection query)
    {
        string?[] asked = [.. query["lifecycle"], .. query["lifecycle[]"]];
        foreach (string? stage in asked)
            OneOf("lifecycle", stage, ModelInfo.Active, "deprecated", "retired");
        return asked.Length == 0 || asked.Contains(ModelInfo.Active) ? catalog.List() : [];
    }

    static int Limit(string? given)
    {
        if (string.IsNullOrEmpty(given))
            return DefaultLimit;
        if (!long.TryParse(given, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long limit))
            throw InvalidValue("limit", $"'{Shorten(given)}' is not a whole number.");
        return (int)Integer("limit", limit, 1, MaxLimit)!;
    }
}
