using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.Formation.Nodes;

/// <summary>What operators do with nodes. Thin: who may call was settled on the way here, and the directory decides.</summary>
internal sealed class NodesHandler(INodeDirectory nodes, GatewayOptions options)
{
    const int MaxEvents = 200;

    internal Task ListAsync(HttpContext context) => WholeAnswer.WriteAsync(
        context, new NodeList("list", [.. nodes.List().Select(NodeObject.From)]), FormationJsonContext.Answers.NodeList);

    internal Task GetAsync(HttpContext context)
    {
        string name = NameOf(context);
        return WriteAsync(context, nodes.Find(name) ?? throw NotFound(name));
    }

    internal Task RemoveAsync(HttpContext context)
    {
        string name = NameOf(context);
        if (!nodes.Remove(name))
            throw NotFound(name);
        return WholeAnswer.WriteAsync(context, new NodeRemoved("node", name, Removed: true), FormationJsonContext.Answers.NodeRemoved);
    }

    internal Task DrainAsync(HttpContext context) => SetDrainingAsync(context, isDraining: true);

    internal Task ResumeAsync(HttpContext context) => SetDrainingAsync(context, isDraining: false);

    internal async Task InviteAsync(HttpContext context)
    {
        JoinTokenRequest body = await JsonBody.ReadAsync(context, FormationJsonContext.Requests.JoinTokenRequest, options.MaxRequestBodyBytes);
        NodeInvitation invitation = nodes.Invite(JoinTokenMapping.ToTerms(body, context.Request.Host.Host));

        // The token is a secret that is shown this once: no cache may keep it.
        context.Response.Headers.CacheControl = "no-store";
        var answer = new JoinTokenObject(
            "join_token", invitation.Token.Value, invitation.Gateway.GetLeftPart(UriPartial.Authority), invitation.Expires,
            invitation.IsReachableFromOutside);
        await WholeAnswer.WriteAsync(context, answer, FormationJsonContext.Answers.JoinTokenObject);
    }

    internal Task EventsAsync(HttpContext context)
    {
        NodeEventObject[] events =
            [.. nodes.Events(null, MaxEvents).Select(entry => new NodeEventObject(entry.Time, entry.Node, entry.Kind, entry.Reason))];
        return WholeAnswer.WriteAsync(context, new NodeEventList("list", events), FormationJsonContext.Answers.NodeEventList);
    }

    internal Task GatewaysAsync(HttpContext context) => WholeAnswer.WriteAsync(
        context, new GatewayList("list", [.. nodes.Gateways().Select(GatewayObject.From)]), FormationJsonContext.Answers.GatewayList);

    Task SetDrainingAsync(HttpContext context, bool isDraining)
    {
        string name = NameOf(context);
        return WriteAsync(context, nodes.SetDraining(name, isDraining) ?? throw NotFound(name));
    }

    static Task WriteAsync(HttpContext context, NodeDescription node) =>
        WholeAnswer.WriteAsync(context, NodeObject.From(node), FormationJsonContext.Answers.NodeObject);

    static string NameOf(HttpContext context) => (string)context.Request.RouteValues["name"]!;

    static ApiErrorException NotFound(string name) => new(new ApiError(
        404, ApiError.InvalidRequest, "node_not_found",
        $"No node is named '{ParameterChecks.Shorten(name)}'. GET /formation/v1/nodes lists those that are."));
}
