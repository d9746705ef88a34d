using Formation.Inference.Gateway.Errors;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Formation.Inference.Gateway.HuggingFace.Models;

/// <summary>
/// Which model a request means whose body names none, or names a URL: that in the path (<c>/models/{id}/generate</c>), else the operator's default
/// model. See docs/adr/0028-one-model-at-a-base-url.md.
/// </summary>
internal sealed class ModelChoice(GatewayOptions options, IModelCatalog catalog)
{
    /// <summary>The name of a route's parameter that holds a model's id.</summary>
    internal const string RouteValue = "model";

    /// <summary>What clients of services with a single model put where a model has to be named.</summary>
    static readonly string[] Placeholders = ["tgi", "tei", "dummy"];

    /// <summary>The id of the model that a request is sent to.</summary>
    /// <exception cref="ApiErrorException">It names none, and there is no default model (404).</exception>
    internal string Of(HttpContext context) => InPath(context) ?? Default;

    /// <summary>The same where the body has a name for it: the path says more than the body, and a URL in the body as much as one of its own.</summary>
    internal string? Of(HttpContext context, string? given)
    {
        if (InPath(context) is { } id)
            return id;
        if (string.IsNullOrEmpty(given) || catalog.Find(given) is not null)
            return given;
        if (Uri.TryCreate(given, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https")
            return InUrl(url) ?? Default;
        return Placeholders.Contains(given) ? Default : given;
    }

    string Default => options.DefaultModel ?? options.ModelsForReadiness.FirstOrDefault() ?? catalog.List().FirstOrDefault()?.Id
        ?? throw new ApiErrorException(new ApiError(
            404, ApiError.InvalidRequest, "model_not_found", "The request names no model, and this server serves none. Send it to /models/{id}, with the model's id."));

    static string? InPath(HttpContext context)
    {
        PathString at = context.Request.Path;
        if (!(at.StartsWithSegments(HuggingFacePaths.Models) || at.StartsWithSegments(HuggingFacePaths.Pipeline)) || context.GetRouteValue(RouteValue) is not string path)
            return null;

        // Slashes of an id may be escaped; routing leaves the escaped ones alone.
        path = path.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        string? call = context.GetEndpoint()?.Metadata.GetMetadata<ModelCall>()?.Name;
        if (PipelineConstraint.Split(path) is var (id, _) && context.GetEndpoint()?.Metadata.GetMetadata<PipelineCall>() is not null)
            return id;
        return call is null ? path.TrimEnd('/') : ModelCallConstraint.IdOf(path, call);
    }

    /// <summary>The model in a base URL of this server's, whatever call stands behind it.</summary>
    string? InUrl(Uri url)
    {
        string path = Uri.UnescapeDataString(url.AbsolutePath);
        string before = HuggingFacePaths.Models + "/";
        int start = path.IndexOf(before, StringComparison.Ordinal);
        if (start < 0)
            return null;
        path = path[(start + before.Length)..].TrimEnd('/');
        for (string id = path; id.Length > 0; id = id.LastIndexOf('/') is > 0 and var slash ? id[..slash] : "")
            if (catalog.Find(id) is not null)
                return id;
        return path;
    }
}
