using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Formation.Deployments;
using Formation.Inference.Gateway.Formation.Nodes;
using Formation.Inference.Gateway.OpenApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Formation.Inference.Gateway.Formation;

/// <summary>The routes that are this server's own: what an operator does.</summary>
internal static class FormationEndpoints
{
    const string Tag = "Nodes";

    const string DeploymentsTag = "Deployments";

    internal static void MapFormation(this IEndpointRouteBuilder routes, GatewayOptions options)
    {
        if (options.Nodes is { } nodes)
            MapNodes(routes, nodes, options);
        if (options.Deployments is { } deployments)
            MapDeployments(routes, deployments, options);
    }

    static void MapDeployments(IEndpointRouteBuilder routes, IDeploymentDirectory directory, GatewayOptions options)
    {
        var deployments = new DeploymentsHandler(directory, options);
        routes.MapDescribed("GET", "/formation/v1/deployments", deployments.ListAsync, "listDeployments", DeploymentsTag, "Lists the models that nodes serve together.")
            .RequireScope(KeyScopes.NodeOperate).Answers<DeploymentList>().Fails(401, 403, 500);
        routes.MapDescribed("GET", "/formation/v1/deployments/{model}", deployments.GetAsync, "retrieveDeployment", DeploymentsTag, "Describes a deployment.")
            .RequireScope(KeyScopes.NodeOperate).Answers<DeploymentObject>().Fails(401, 403, 404, 500);
        routes.MapDescribed("PUT", "/formation/v1/deployments/{model}", deployments.DeployAsync, "deployModel", DeploymentsTag, "Deploys a model over nodes.")
            .RequireScope(KeyScopes.NodeOperate)
            .Reads<DeploymentRequest>().Answers<DeploymentObject>().Fails(400, 401, 403, 404, 408, 413, 415, 500);
        routes.MapDescribed("DELETE", "/formation/v1/deployments/{model}", deployments.UndeployAsync, "undeployModel", DeploymentsTag, "Ends a deployment.")
            .RequireScope(KeyScopes.NodeOperate).Answers<DeploymentRemoved>().Fails(401, 403, 404, 500);
    }

    static void MapNodes(IEndpointRouteBuilder routes, INodeDirectory directory, GatewayOptions options)
    {
        var nodes = new NodesHandler(directory, options);
        routes.MapDescribed("GET", "/formation/v1/nodes", nodes.ListAsync, "listNodes", Tag, "Lists the nodes.")
            .RequireScope(KeyScopes.NodeOperate).Answers<NodeList>().Fails(401, 403, 500);
        routes.MapDescribed("GET", "/formation/v1/nodes/{name}", nodes.GetAsync, "retrieveNode", Tag, "Describes a node.")
            .RequireScope(KeyScopes.NodeOperate).Answers<NodeObject>().Fails(401, 403, 404, 500);
        routes.MapDescribed("DELETE", "/formation/v1/nodes/{name}", nodes.RemoveAsync, "removeNode", Tag, "Ends a node's admission and cuts its connections.")
            .RequireScope(KeyScopes.NodeOperate).Answers<NodeRemoved>().Fails(401, 403, 404, 500);
        routes.MapDescribed("POST", "/formation/v1/nodes/{name}/drain", nodes.DrainAsync, "drainNode", Tag, "Lets a node take no new work.")
            .RequireScope(KeyScopes.NodeOperate).Answers<NodeObject>().Fails(401, 403, 404, 500);
        routes.MapDescribed("POST", "/formation/v1/nodes/{name}/resume", nodes.ResumeAsync, "resumeNode", Tag, "Lets a drained node take work again.")
            .RequireScope(KeyScopes.NodeOperate).Answers<NodeObject>().Fails(401, 403, 404, 500);
        routes.MapDescribed("POST", "/formation/v1/nodes/tokens", nodes.InviteAsync, "createJoinToken", Tag, "Makes a token that admits one node.")
            .RequireScope(KeyScopes.NodeOperate)
            .Reads<JoinTokenRequest>().Answers<JoinTokenObject>().Fails(400, 401, 403, 408, 413, 415, 500);
        routes.MapDescribed("GET", "/formation/v1/gateways", nodes.GatewaysAsync, "listGateways", Tag, "Lists the gateways that share the nodes.")
            .RequireScope(KeyScopes.NodeOperate).Answers<GatewayList>().Fails(401, 403, 500);
        routes.MapDescribed("GET", "/formation/v1/events", nodes.EventsAsync, "listEvents", Tag, "Lists what happened to nodes, newest last.")
            .RequireScope(KeyScopes.NodeOperate).Answers<NodeEventList>().Fails(401, 403, 500);
    }
}
