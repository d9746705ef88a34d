using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>Vectors of a model over several machines: real processes, killed while they compute.</summary>
public sealed class EmbeddingLossTests
{
    private static readonly string Request = new JsonObject
    {
        ["model"] = ClusterProcesses.Model,
        ["input"] = new JsonArray([.. Enumerable.Range(0, 120).Select(i => JsonValue.Create(
            string.Join(' ', Enumerable.Range(0, 4 + i % 12).Select(j => string.Create(CultureInfo.InvariantCulture, $"story {i} goes on {j}")))))]),
        ["encoding_format"] = "base64",
    }.ToJsonString();

    [Fact]
    public async Task Vectors_over_three_nodes_are_those_of_one_machine_bit_for_bit_whatever_happens_to_a_node()
    {
        await using var cluster = await ClusterProcesses.StartAsync(nodes: 4);
        var alone = await EmbedAsync(cluster);
        Assert.Equal(120, alone.Distinct().Count());

        await cluster.DeployAsync("--stages", "3", "--spares", "1");
        Assert.Equal(alone, await EmbedAsync(cluster));

        var stage = (await cluster.NodesOfAsync("stage"))[0];
        Assert.Equal(alone, await EmbedAsync(cluster, () => cluster.Nodes[stage].KillWorkers()));
        await cluster.StateAsync("ready");

        var head = Assert.Single(await cluster.NodesOfAsync("head"));
        Assert.Equal(alone, await EmbedAsync(cluster, () => cluster.Nodes[head].Kill()));
        Assert.DoesNotContain(head, await cluster.NodesOfAsync("head"));
    }

    /// <summary>Asks for vectors; the disturbance comes while they are computed, when a stream beside them has begun to say something.</summary>
    private static async Task<string[]> EmbedAsync(ClusterProcesses cluster, Action? disturb = null)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var embedding = cluster.Client.PostAsync("/v1/embeddings", new StringContent(Request, Encoding.UTF8, "application/json"), cancellationToken);
        if (disturb is not null)
        {
            var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var beside = AskedCompletion.AskAsync(cluster.Client, AskedCompletion.Request(0, tokens: 40), () => begun.TrySetResult(), cancellationToken);
            await begun.Task;
            Assert.False(embedding.IsCompleted);
            disturb();
            await beside;
        }

        using var response = await embedding;
        var body = await response.Content.ReadAsStringAsync(cancellationToken);
        Assert.True(response.IsSuccessStatusCode, body);
        return [.. JsonElement.Parse(body).GetProperty("data").EnumerateArray().Select(each => each.GetProperty("embedding").GetString()!)];
    }
}
