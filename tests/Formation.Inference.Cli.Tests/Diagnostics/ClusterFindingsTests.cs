using Formation.Inference.Cli.Deployments;
using Formation.Inference.Cli.Diagnostics;
using Formation.Inference.Cli.Nodes;

namespace Formation.Inference.Cli.Tests.Diagnostics;

public sealed class ClusterFindingsTests
{
    private static NodeView Node(string name, string state = "online", string version = "0.2.0", string region = "", bool draining = false, params LinkView[] links) => new(
        name, new string('a', 64), state, "its connection broke", DateTimeOffset.UnixEpoch, draining, false, region, new Dictionary<string, string>(),
        DateTimeOffset.UnixEpoch, null, version, 1, 1, [], [], links);

    private static DeploymentView Deployment(string state, string reason = "") => new("large", state, reason, DateTimeOffset.UnixEpoch, 1, [], []);

    [Fact]
    public void Nodes_that_are_online_with_one_version_are_well()
    {
        Assert.All(ClusterFindings.Of([Node("a"), Node("b")]), finding => Assert.Equal(FindingState.Good, finding.State));
    }

    [Fact]
    public void A_node_that_is_gone_is_a_problem_and_says_why_and_what_to_do()
    {
        var finding = Assert.Single(ClusterFindings.Of([Node("a", state: "lost")]));
        Assert.Equal(FindingState.Problem, finding.State);
        Assert.Contains("its connection broke", finding.Value, StringComparison.Ordinal);
        Assert.Contains("form node remove a", finding.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void A_node_of_an_older_version_is_to_be_brought_up_to_the_others()
    {
        var finding = ClusterFindings.Of([Node("a", version: "0.1.0"), Node("b")]).First();
        Assert.Equal(FindingState.Advice, finding.State);
        Assert.Contains("0.2.0", finding.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void A_drained_node_is_not_forgotten()
    {
        Assert.Contains("--undo", Assert.Single(ClusterFindings.Of([Node("a", draining: true)])).Advice, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("eu", "eu", 20, 1e9, true)]
    [InlineData("eu", "eu", 0.2, 1e6, true)]
    [InlineData("eu", "eu", 0.2, 1e9, false)]
    [InlineData("eu", "us", 120, 1e6, false)]
    public void A_slow_way_is_told_of_where_it_should_be_fast(string region, string other, double milliseconds, double bytesPerSecond, bool isTold)
    {
        var findings = ClusterFindings.Of([Node("a", region: region, links: new LinkView("b", milliseconds, bytesPerSecond, false)), Node("b", region: other)]);
        Assert.Equal(isTold, findings.Any(finding => finding.Name.StartsWith("link", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("ready", FindingState.Good)]
    [InlineData("loading", FindingState.Advice)]
    [InlineData("degraded", FindingState.Advice)]
    [InlineData("waiting", FindingState.Problem)]
    public void A_deployment_is_as_its_state_says(string state, object expected)
    {
        var finding = ClusterFindings.Of(Deployment(state, "no room"));
        Assert.Equal((FindingState)expected, finding.State);
        Assert.Contains("no room", finding.Value, StringComparison.Ordinal);
    }
}
