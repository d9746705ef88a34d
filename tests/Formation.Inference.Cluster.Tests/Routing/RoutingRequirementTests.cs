using Formation.Inference.Cluster.Routing;
using Formation.Inference.Cluster.Tests.Fakes;
using static Formation.Inference.Cluster.Tests.Routing.ClusterBackendHarness;

namespace Formation.Inference.Cluster.Tests.Routing;

/// <summary>Requests that say which replicas may work on them.</summary>
public sealed class RoutingRequirementTests : IDisposable
{
    readonly ClusterBackendHarness _harness = new();

    public RoutingRequirementTests() => _harness.Table.Set(
        Model,
        Replica("a", "us", 3),
        Replica("b", "eu", 80),
        Replica("c", "eu", 20) with { Nodes = ["c", "d"] });

    static Replica Replica(string id, string region, int milliseconds) =>
        ScriptedHeads.Replica(id) with { Region = region, RoundTrip = TimeSpan.FromMilliseconds(milliseconds), Nodes = [id] };

    static GenerationRequest Asking(RoutingRequirements required) => Request() with { Routing = required };

    public void Dispose() => _harness.Dispose();

    [Fact]
    public async Task Only_a_replica_that_is_as_the_request_says_is_asked()
    {
        AssertWhole(await _harness.RunAsync(Asking(new() { Region = "eu", MaxRoundTrip = TimeSpan.FromMilliseconds(20), MinReplicas = 3 })));
        AssertWhole(await _harness.RunAsync(Asking(new() { Region = "eu" })));
        AssertWhole(await _harness.RunAsync(Asking(new())));
        Assert.Equal(["c", "b", "a"], _harness.Asked);
    }

    [Fact]
    public async Task A_head_that_is_lost_is_replaced_by_one_that_fits_too()
    {
        _harness.Heads.Lose("b", HeadLoss.Broken, request => ScriptedHeads.Honest(request).Take(5));
        AssertWhole(await _harness.RunAsync(Asking(new() { Region = "eu" })));
        Assert.Equal(["b", "c"], _harness.Asked);
    }

    [Theory]
    [InlineData("mars", null, 1, nameof(RoutingRequirements.Region), "'eu', 'us'")]
    [InlineData("eu", 19.0, 1, nameof(RoutingRequirements.MaxRoundTrip), "20.0 ms")]
    [InlineData(null, null, 4, nameof(RoutingRequirements.MinReplicas), "3 replicas")]
    public async Task Where_none_fits_the_wish_is_named_and_nobody_is_asked(string? region, double? milliseconds, int replicas, string part, string words)
    {
        var error = await _harness.ErrorAsync(Asking(new()
        {
            Region = region,
            MaxRoundTrip = milliseconds is { } longest ? TimeSpan.FromMilliseconds(longest) : null,
            MinReplicas = replicas,
        }));
        Assert.Equal((GenerationErrorKind.InvalidRequest, $"Routing.{part}"), (error.Kind, error.Parameter));
        Assert.Contains(words, error.Message);
        Assert.Empty(_harness.Asked);
    }

    [Fact]
    public async Task The_end_tells_the_nodes_that_hold_the_replica_then()
    {
        var events = await _harness.RunAsync(Asking(new() { Region = "eu", MaxRoundTrip = TimeSpan.FromMilliseconds(20) }));
        Assert.Equal(["c", "d"], Assert.Single(events.OfType<GenerationFinished>()).Nodes);
    }
}
