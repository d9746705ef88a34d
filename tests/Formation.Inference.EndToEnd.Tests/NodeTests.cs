using System.Text.Json;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>Machines that join, fail, come back and are removed, as an operator sees it: real processes on one machine.</summary>
public sealed class NodeTests : IAsyncLifetime
{
    private const string Key = "an-operator-key-for-tests";

    private readonly string _home = Directory.CreateTempSubdirectory("form-e2e-").FullName;
    private ServerProcess _server = null!;
    private HttpClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        var model = TinyModelServer.BuildModel(_home);
        _server = await ServerProcess.StartAsync(_home, "--model", $"formation-llm={model}", "--api-key", Key, "--threads", "1", "--no-node");
        _client = _server.Client(Key);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
        Directory.Delete(_home, recursive: true);
    }

    [Fact]
    public async Task Two_commands_add_a_machine_which_comes_back_by_itself_until_it_is_removed()
    {
        var join = await TokenAsync();
        await using (var node = await NodeProcess.StartAsync(_home, "one", [.. join, "--name", "one"]))
        {
            var listed = await FormAsync("nodes");
            Assert.True(listed.ExitCode == 0, listed.Error);
            Assert.Matches("one +online", listed.Out);

            // A killed process breaks its connection, which is seen at once.
            node.Kill();
            await StateAsync("one", "lost");
            Assert.Contains("connection", await ReasonAsync("one"));
        }

        // Without a token, and then as a start-up script would: with the command that was pasted once, its token long spent.
        await using (await NodeProcess.StartAsync(_home, "one"))
            await StateAsync("one", "online");
        await using var again = await NodeProcess.StartAsync(_home, "one", join);
        await StateAsync("one", "online");

        var removed = await FormAsync("node", "remove", "one");
        Assert.True(removed.ExitCode == 0, removed.Error);
        Assert.Equal(4, await again.ExitAsync());
        Assert.Contains("removed", again.Errors);
        var refused = await FormProgram.RunAsync(_home, "", "node", "join", "--data", Path.Combine(_home, "one"), "--threads", "1");
        Assert.Equal(4, refused.ExitCode);
        Assert.Contains("was removed", refused.Error);
        Assert.Equal(5, (await FormAsync("node", "inspect", "one")).ExitCode);

        // A new token lets the same machine in again.
        await using var back = await NodeProcess.StartAsync(_home, "one", await TokenAsync());
        await StateAsync("one", "online");
    }

    [Fact]
    public async Task A_token_admits_one_machine()
    {
        var join = await TokenAsync();
        await using var first = await NodeProcess.StartAsync(_home, "first", [.. join, "--name", "first"]);
        var second = await FormProgram.RunAsync(_home, "", ["node", "join", "--data", Path.Combine(_home, "second"), "--name", "second", "--threads", "1", .. join]);
        Assert.Equal(4, second.ExitCode);
        Assert.Contains("has admitted a node already", second.Error);
        Assert.DoesNotContain(join[^1], second.Error);
    }

    [Fact]
    public async Task A_node_that_stops_answering_is_lost_by_its_lease_and_comes_back_when_it_answers_again()
    {
        await using var node = await NodeProcess.StartAsync(_home, "one", [.. await TokenAsync(), "--name", "one"]);
        await StateAsync("one", "online");

        // A stopped process keeps its connection open and says nothing: only its silence tells.
        node.Signal("STOP");
        await StateAsync("one", "lost");
        Assert.Contains("nothing was heard of it for 2", await ReasonAsync("one"));

        node.Signal("CONT");
        await StateAsync("one", "online");
        node.Signal("TERM");
        Assert.Equal(0, await node.ExitAsync());
        await StateAsync("one", "stopped");
    }

    [Fact]
    public async Task Two_nodes_measure_the_way_between_them_and_one_is_drained()
    {
        await using var one = await NodeProcess.StartAsync(_home, "one", [.. await TokenAsync(), "--name", "one"]);
        await using var two = await NodeProcess.StartAsync(_home, "two", [.. await TokenAsync(), "--name", "two"]);
        await Eventually.TrueAsync(async () => (await NodeAsync("two")).GetProperty("links").GetArrayLength() == 1);
        var link = (await NodeAsync("two")).GetProperty("links")[0];
        Assert.Equal("one", link.GetProperty("peer").GetString());
        Assert.True(link.GetProperty("bytes_per_second").GetDouble() > 0);

        Assert.Equal(0, (await FormAsync("node", "drain", "one")).ExitCode);
        Assert.True((await NodeAsync("one")).GetProperty("draining").GetBoolean());
        await Eventually.TrueAsync(() => one.Errors.Contains("Draining"));
        var events = await FormAsync("nodes", "--events");
        Assert.Matches("one +draining", events.Out);
    }

    private async Task<string[]> TokenAsync()
    {
        var result = await FormAsync("node", "token", "create", "--json");
        Assert.True(result.ExitCode == 0, result.Error);
        var words = JsonElement.Parse(result.Out).GetProperty("command").GetString()!.Split(' ');
        Assert.Equal(["form", "node", "join", "--gateway"], words[..4]);
        return words[3..];
    }

    private Task<FormProgram.Result> FormAsync(params string[] arguments) =>
        FormProgram.RunAsync(_home, "", [.. arguments, "--url", _server.Url, "--key", Key]);

    private async Task<JsonElement> NodeAsync(string name) =>
        JsonElement.Parse(await _client.GetStringAsync($"/formation/v1/nodes/{name}", TestContext.Current.CancellationToken));

    private async Task<string> ReasonAsync(string name) => (await NodeAsync(name)).GetProperty("reason").GetString()!;

    private Task StateAsync(string name, string state) =>
        Eventually.TrueAsync(async () => (await NodeAsync(name)).GetProperty("state").GetString() == state);
}
