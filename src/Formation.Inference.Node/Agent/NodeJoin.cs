using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control;
using Grpc.Core;

namespace Formation.Inference.Node.Agent;

/// <summary>The one time that a node shows a token.</summary>
public static class NodeJoin
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    /// <summary>Has this node admitted, and remembers where.</summary>
    /// <param name="identity">This node's key, which is what is admitted.</param>
    /// <param name="url">The gateway.</param>
    /// <param name="token">The token; whom it names must answer at the URL, before it is shown there.</param>
    /// <param name="report">What the node says of itself.</param>
    /// <param name="folder">Where to remember the network.</param>
    /// <exception cref="NodeRefusedException">The gateway refuses the token or the name.</exception>
    /// <exception cref="GatewayUnreachableException">Nobody answers, or somebody else.</exception>
    /// <exception cref="IOException">The folder can't be written.</exception>
    public static async Task<Membership> RunAsync(
        NodeIdentity identity, Uri url, JoinToken token, NodeReport report, string folder, TimeProvider clock, CancellationToken cancellationToken)
    {
        using var link = new GatewayLink(identity, url, token.Gateway, clock);
        using var deadline = new CancellationTokenSource(Deadline, clock);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            var answer = await link.Client.JoinAsync(ControlMessages.Join(token.Text.Value, report), cancellationToken: ended.Token);
            var membership = new Membership(
                NodeName.IsValid(answer.Name) ? answer.Name : report.Name, [new KnownGateway(token.Gateway, [url.GetLeftPart(UriPartial.Authority)])]);
            membership.Save(folder);
            return membership;
        }
        catch (RpcException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (RpcException) when (deadline.IsCancellationRequested)
        {
            throw new GatewayUnreachableException($"The gateway at {url} did not answer within {Deadline.TotalSeconds:0} s.");
        }
        catch (RpcException error)
        {
            throw link.Explain(error);
        }
    }
}
