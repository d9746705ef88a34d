using System.Text;
using System.Text.Json.Nodes;
using Formation.Inference.Cli.Tests.Fakes;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Node.Inventory;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Cli.Tests.Planning;

public sealed class PlanCommandTests : IDisposable
{
    private const string TwoNodes = """
        [
          // Two machines of one site.
          {"name": "a", "region": "eu", "memoryBytes": 8388608, "trusted": true,
           "devices": [{"name": "cpu", "instructionSet": "avx2", "threads": 2, "readBytesPerSecond": 2e9, "multiplyAddsPerSecond": 2e10}],
           "links": [{"peer": "b", "roundTripMilliseconds": 0.3, "bytesPerSecond": 1e8}]},
          {"name": "b", "region": "us", "memoryBytes": 8388608,
           "devices": [{"readBytesPerSecond": 1e9, "multiplyAddsPerSecond": 1e10}]},
        ]
        """;

    private readonly CommandRun _user = new();

    public void Dispose() => _user.Dispose();

    [Fact]
    public async Task A_plan_shows_stages_bytes_speeds_other_plans_and_why_a_node_was_left_out()
    {
        Assert.Equal(ExitCode.Done, await _user.RunAsync("plan", Model(), "--nodes", Nodes(TwoNodes), "--context", "64"));

        Assert.Matches(@"tiny: 1\.4 M parameters in 2 layers", _user.Out);
        Assert.Matches(@"head +a +0-1 ", _user.Out);
        Assert.Matches(@"Predicted: [0-9.]+ tokens/s of one stream; first token after [0-9.]+ s for a prompt of 64", _user.Out);
        Assert.Matches(@"a 0-0, b 1-1 +2 ", _user.Out);
        Assert.Matches("node b left out: with it a token takes .* ms instead of .* ms", _user.Out);
        Assert.Equal("", _user.Error);
    }

    [Fact]
    public async Task Json_is_one_document_with_the_plan()
    {
        Assert.Equal(
            ExitCode.Done,
            await _user.RunAsync(
                "plan", Model(), "--nodes", Nodes(TwoNodes), "--context", "64", "--json", "--pin", "a=0-0", "--pin", "b=1-1", "--link-precision", "bf16"));

        var plan = JsonNode.Parse(_user.Out)!["result"]!["plan"]!;
        var stages = plan["replicas"]![0]!["stages"]!.AsArray();
        Assert.Equal(["a", "b"], stages.Select(stage => stage!["nodes"]![0]!.GetValue<string>()));
        Assert.Equal(1, stages[1]!["layers"]!["first"]!.GetValue<int>());
        Assert.True(stages[1]!["memory"]!["total"]!.GetValue<long>() > 0);
        Assert.Equal("BF16", plan["replicas"]![0]!["links"]![0]!["precision"]!.GetValue<string>());
        Assert.True(plan["speed"]!["oneStream"]!.GetValue<double>() > 0);
    }

    [Fact]
    public async Task Regions_trust_and_spares_bound_the_plan()
    {
        Assert.Equal(
            ExitCode.Done, await _user.RunAsync("plan", Model(), "--nodes", Nodes(TwoNodes), "--context", "64", "--region", "us"));
        Assert.Matches(@"head +b ", _user.Out);
        Assert.Contains("node a left out: it stands in region eu, not in us", _user.Out);

        Assert.Equal(
            ExitCode.Failed,
            await _user.RunAsync("plan", Model(), "--nodes", Nodes(TwoNodes), "--context", "64", "--trusted-only", "--spares", "1"));
        Assert.Contains("No plan is possible.", _user.Out);
        Assert.Contains("the model fits, but not with 1 spare", _user.Out);
    }

    [Fact]
    public async Task A_model_that_does_not_fit_is_refused_with_the_bytes_that_are_missing()
    {
        var little = TwoNodes.Replace("8388608", "2097152");

        Assert.Equal(ExitCode.Failed, await _user.RunAsync("plan", Model(), "--nodes", Nodes(little), "--context", "64"));

        Assert.Matches(@"[0-9.]+ MiB \([0-9,]+ bytes\) are missing on ", _user.Out);
    }

    [Fact]
    public async Task A_served_id_is_planned_for_this_machine()
    {
        Assert.Equal(ExitCode.Done, await _user.RunAsync("models", "add", $"mine={Model()}", "--data", _user.Data));

        Assert.Equal(ExitCode.Done, await _user.RunAsync("plan", "mine", "--memory", "64MiB", "--threads", "1"));

        Assert.Matches(@"head +this-machine +0-1 ", _user.Out);
        Assert.True(File.Exists(Path.Combine(_user.Data, SpeedCache.FileName)));
    }

    [Fact]
    public async Task The_nodes_of_a_server_are_planned_for_with_what_its_record_says_of_them()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Answers["GET /formation/v1/nodes"] =
            $$"""{"object":"list","data":[{{Node("alpha", "online", 20)}},{{Node("beta", "online", 10)}},{{Node("gone", "lost", 90)}}]}""";

        Assert.Equal(
            ExitCode.Done,
            await _user.RunAsync(
                "plan", Model(), "--context", "64", "--label", "disk=fast", "--trusted-only", "--url", server.Url, "--key", ScriptedServer.Key));

        Assert.Matches(@"head +alpha +0-1 ", _user.Out);
        Assert.Contains("node gone left out: it is not connected now", _user.Out);
        Assert.Matches("node beta left out: with it a token takes", _user.Out);
    }

    [Fact]
    public async Task A_server_that_was_named_must_answer_and_one_without_nodes_is_as_good_as_none()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Answers["GET /formation/v1/nodes"] = """{"object":"list","data":[]}""";
        Assert.Equal(
            ExitCode.Done,
            await _user.RunAsync("plan", Model(), "--context", "64", "--threads", "1", "--url", server.Url, "--key", ScriptedServer.Key));
        Assert.Matches(@"head +this-machine +0-1 ", _user.Out);

        Assert.Equal(ExitCode.ServerNotReachable, await _user.RunAsync("plan", Model(), "--context", "64", "--url", "http://127.0.0.1:1"));
    }

    private static string Node(string name, string state, int gigabytes) =>
        $$"""
        {"object":"node","name":"{{name}}","pin":"aa","state":"{{state}}","reason":"","since":"2026-11-22T10:00:00+00:00","draining":false,"trusted":true,
         "region":"eu","labels":{"disk":"fast"},"joined":"2026-11-22T09:00:00+00:00","last_seen":null,"version":"0.1.0",
         "memory_bytes":8589934592,"free_memory_bytes":6442450944,
         "devices":[{"name":"cpu","instruction_set":"avx2","threads":8,"read_bytes_per_second":{{gigabytes}}000000000,"multiply_adds_per_second":100000000000}],
         "addresses":[],"links":[{"peer":"alpha","round_trip_milliseconds":1.5,"bytes_per_second":125000000,"relayed":false}]}
        """;

    [Theory]
    [InlineData("a=")]
    [InlineData("a")]
    [InlineData("=0-1")]
    [InlineData("a=2-1")]
    [InlineData("a=0-1-2")]
    [InlineData("a=-1-2")]
    [InlineData("a=0-99999999999")]
    public async Task A_pin_of_another_form_is_wrong_usage(string pin)
    {
        Assert.Equal(ExitCode.WrongUsage, await _user.RunAsync("plan", Model(), "--nodes", Nodes(TwoNodes), "--pin", pin));
        Assert.Contains("is not of the form NODE=FIRST-LAST", _user.Error);
    }

    [Theory]
    [InlineData("{}", "line 1")]
    [InlineData("[{\"name\": 3}]", "line 1, $[0].name")]
    [InlineData("[{\"name\": \"a\", \"memoryBytes\": 1, \"devices\": [], \"memory\": 3}]", "$[0].memory")]
    [InlineData("[null]", "entry 0")]
    public async Task A_file_that_describes_no_nodes_is_refused_with_the_place(string content, string place)
    {
        Assert.Equal(ExitCode.Failed, await _user.RunAsync("plan", Model(), "--nodes", Nodes(content)));
        Assert.Contains(place, _user.Error);
    }

    [Fact]
    public async Task What_does_not_exist_and_what_makes_no_sense_end_with_their_codes()
    {
        Assert.Equal(ExitCode.NotFound, await _user.RunAsync("plan", "no-such-model"));
        Assert.Contains("'no-such-model' is neither a file nor a model of this machine", _user.Error);
        Assert.Equal(ExitCode.NotFound, await _user.RunAsync("plan", Model(), "--nodes", "/no/such/file"));
        Assert.Equal(ExitCode.WrongUsage, await _user.RunAsync("plan", Model(), "--nodes", Nodes(TwoNodes), "--context", "100000"));
        Assert.Equal(ExitCode.WrongUsage, await _user.RunAsync("plan", Model(), "--nodes", Nodes(TwoNodes), "--pin", "a=1-9"));
        Assert.Contains("the model has layers 0-1", _user.Error);
    }

    private string Nodes(string json) => _user.WriteFile("nodes.json", Encoding.UTF8.GetBytes(json));

    private string Model()
    {
        var stream = new MemoryStream();
        TinyModel.Build(stream, TinyModelOptions.Llama with { MatrixType = TensorType.Q4_K });
        return _user.WriteFile("tiny.gguf", stream.ToArray());
    }
}
