using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.Formation.Deployments;

/// <summary>What operators do with deployments. Thin: who may call was settled on the way here, and the directory decides.</summary>
internal sealed class DeploymentsHandler(IDeploymentDirectory deployments, GatewayOptions options)
{
    internal Task ListAsync(HttpContext context) => WholeAnswer.WriteAsync(
        context, new DeploymentList("list", [.. deployments.List().Select(DeploymentObject.From)]), FormationJsonContext.Answers.DeploymentList);

    internal Task GetAsync(HttpContext context)
    {
        string model = ModelOf(context);
        return WriteAsync(context, deployments.Find(model) ?? throw NotFound(model));
    }

    internal async Task DeployAsync(HttpContext context)
    {
        DeploymentRequest body = await JsonBody.ReadAsync(context, FormationJsonContext.Requests.DeploymentRequest, options.MaxRequestBodyBytes);
        DeploymentOutcome outcome = await deployments.DeployAsync(DeploymentMapping.ToTerms(ModelOf(context), body), context.RequestAborted);
        if (outcome.Deployment is { } deployment)
        {
            await WriteAsync(context, deployment);
            return;
        }

        if (outcome.Parameter == nameof(DeploymentTerms.ModelId))
            throw new ApiErrorException(new ApiError(404, ApiError.InvalidRequest, "model_not_found", $"'{ParameterChecks.Shorten(ModelOf(context))}': {outcome.Refusal}"));
        throw ParameterChecks.Fail(
            DeploymentMapping.ParameterOf(outcome.Parameter) ?? "", "deployment_refused", $"This can't be deployed: {outcome.Refusal}");
    }

    internal Task UndeployAsync(HttpContext context)
    {
        string model = ModelOf(context);
        if (!deployments.Undeploy(model))
            throw NotFound(model);
        return WholeAnswer.WriteAsync(context, new DeploymentRemoved("deployment", model, Removed: true), FormationJsonContext.Answers.DeploymentRemoved);
    }

    static Task WriteAsync(HttpContext context, DeploymentDescription deployment) =>
        WholeAnswer.WriteAsync(context, DeploymentObject.From(deployment), FormationJsonContext.Answers.DeploymentObject);

    static string ModelOf(HttpContext context) => (string)context.Request.RouteValues["model"]!;

    static ApiErrorException NotFound(string model) => new(new ApiError(
        404, ApiError.InvalidRequest, "deployment_not_found",
        $"'{ParameterChecks.Shorten(model)}' is not deployed. GET /formation/v1/deployments lists what is."));
}
