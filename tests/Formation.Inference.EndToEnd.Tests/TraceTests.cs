namespace Formation.Inference.EndToEnd.Tests;

/// <summary>Traces as a collector sees them, of a request that several processes work on.</summary>
public sealed class TraceTests
{
    private const string Gateway = "Formation.Inference.Gateway";
    private const string Engine = "Formation.Inference.Engine";
    private const string Node = "Formation.Inference.Node";

    [Fact]
    public async Task A_request_over_several_machines_is_one_trace_of_the_gateway_the_head_and_each_stage()
    {
        await using var collector = await TraceCollector.StartAsync();
        await using var cluster = await ClusterProcesses.StartAsync(nodes: 3, otlp: collector.Url);
        await cluster.DeployAsync("--stages", "3");

        // The first has two choices, the second one.
        for (var i = 1; i >= 0; i--)
            await AskedCompletion.AskAsync(cluster.Client, AskedCompletion.Request(i, tokens: 12), null, TestContext.Current.CancellationToken);

        // Each choice has a span at each of the two stages; on a machine that is too busy, one that was lost and replaced has had more.
        await Eventually.TrueAsync(() => Asked().Count == 2 && Named(Node, "generate").Count == 2 && Named(Engine, "decode").Count == 2
            && Asked().Sum(asked => Named(Node, "stage").Count(span => span.TraceId == asked.TraceId)) >= 6);
        Assert.Equal(2, Asked().Select(span => span.TraceId).Distinct().Count());
        foreach (var asked in Asked())
        {
            var trace = collector.Spans.Where(span => span.TraceId == asked.TraceId).ToList();
            var head = Assert.Single(trace, span => span.Name == "generate");
            Assert.Equal(asked.SpanId, head.ParentId);
            Assert.Equal(["decode", "prefill", "queue"], trace.Where(span => span.Source == Engine && span.ParentId == head.SpanId).Select(span => span.Name).Order());
            var stages = trace.Where(span => span.Name == "stage").ToList();
            Assert.All(stages, span => Assert.Equal(head.SpanId, span.ParentId));
            AssertWhole(stages);

            // The gateway, the head and two stages.
            Assert.NotEqual(asked.Process, head.Process);
            Assert.InRange(stages.Select(span => span.Process).Except([asked.Process, head.Process]).Count(), 2, 4);
        }

        List<ReceivedSpan> Named(string source, string name) => [.. collector.Spans.Where(span => span.Source == source && span.Name == name)];

        List<ReceivedSpan> Asked() => Named(Gateway, $"text_completion {ClusterProcesses.Model}");
    }

    // Every sequence goes through each stage behind the head; of what it says, no stage tells anything.
    private static void AssertWhole(List<ReceivedSpan> stages)
    {
        var layers = stages.Select(span => ((long)span.Attributes["stage.first_layer"], (long)span.Attributes["stage.layers"])).Distinct().Order().ToList();
        Assert.Equal(2, layers.Count);
        Assert.Equal(layers[0].Item1 + layers[0].Item2, layers[1].Item1);
        Assert.Equal(6, layers[1].Item1 + layers[1].Item2);
        Assert.All(stages, span =>
        {
            Assert.Equal(
                ["stage.batches", "stage.compute_seconds", "stage.first_layer", "stage.layers", "stage.rows", "stage.wait_seconds"],
                span.Attributes.Keys.Order(StringComparer.Ordinal));
            Assert.InRange((long)span.Attributes["stage.batches"], 1, 100);
            Assert.InRange((long)span.Attributes["stage.rows"], (long)span.Attributes["stage.batches"], 200);
            Assert.True((double)span.Attributes["stage.compute_seconds"] > 0);
        });
    }
}
