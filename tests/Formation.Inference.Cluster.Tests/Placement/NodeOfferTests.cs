using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Placement;
using static Formation.Inference.Cluster.Tests.Placement.PlacementCases;

namespace Formation.Inference.Cluster.Tests.Placement;

public sealed class NodeOfferTests
{
    [Fact]
    public void Where_a_node_stands_and_whether_it_is_trusted_is_the_gateways_word()
    {
        var claims = Node("liar", region: "eu").Report;

        var offer = NodeOffer.Of(Status("alpha", claims));

        Assert.Equal(("alpha", "us"), (offer.Report.Name, offer.Report.Region));
        Assert.Equal(["rack=3", "ssd"], offer.Labels.Order());
        Assert.True(offer is { IsTrusted: true, IsConnected: true, IsDraining: false });
        Assert.Null(Place(Model(), Request with { Regions = ["eu"] }, offer).Plan);
    }

    [Fact]
    public void A_node_that_was_not_heard_of_is_left_out()
    {
        var result = Place(Model(), Request, Node("a"), NodeOffer.Of(Status("silent", null)));

        Assert.Equal(new NodeLeftOut("silent", "it is not connected now"), Assert.Single(result.LeftOut));
    }

    private static NodeStatus Status(string name, NodeReport? report) => new(
        new NodeRecord(
            KeyPin.FromBytes(new byte[KeyPin.ByteCount]), name, "us", new Dictionary<string, string> { ["ssd"] = "", ["rack"] = "3" }, true, DateTimeOffset.UnixEpoch),
        NodeState.Online, "connected", DateTimeOffset.UnixEpoch, null, report);
}
