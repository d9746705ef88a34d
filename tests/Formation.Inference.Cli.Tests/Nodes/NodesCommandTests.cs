using System.Text.Json.Nodes;
using Formation.Inference.Cli.Tests.Fakes;

namespace Formation.Inference.Cli.Tests.Nodes;

public sealed class NodesCommandTests
{
    private const string Alpha =
        """
        {"object":"node","name":"alpha","pin":"aa","state":"online","reason":"connected from 10.0.0.2:4711","since":"2026-11-22T10:00:00+00:00",
         "draining":true,"trusted":true,"region":"eu-west","labels":{"disk":"fast"},"joined":"2026-11-22T09:00:00+00:00","last_seen":"2026-11-22T10:00:00+00:00",
         "version":"0.1.0","memory_bytes":8589934592,"free_memory_bytes":6442450944,
         "devices":[{"name":"a [fast] processor","instruction_set":"avx2","threads":8,"read_bytes_per_second":40000000000,"multiply_adds_per_second":1000000000000}],
         "addresses":["10.0.0.2:8082"],"links":[{"peer":"beta","round_trip_milliseconds":1.5,"bytes_per_second":125000000,"relayed":false}]}
        """;

    private const string Beta =
        """
        {"object":"node","name":"beta","pin":"bb","state":"away","reason":"not heard of since this gateway started","since":"2026-11-22T10:00:00+00:00","draining":false,
         "trusted":false,"region":"","labels":{},"joined":"2026-11-22T09:00:00+00:00","last_seen":null,"version":null,"memory_bytes":null,"free_memory_bytes":null,
         "devices":[],"addresses":[],"links":[]}
        """;

    private const string Token =
        """{"object":"join_token","token":"fs_join_secret","gateway":"https://10.0.0.1:8081","expires":"2026-11-22T11:00:00+00:00","reachable_from_outside":OUTSIDE}""";

    [Fact]
    public async Task Nodes_are_listed_as_a_table_and_as_json()
    {
        await using var server = await StartAsync();
        using var user = new CommandRun();
        server.Answers["GET /formation/v1/nodes"] = $$"""{"object":"list","data":[{{Alpha}},{{Beta}}]}""";

        Assert.Equal(ExitCode.Done, await RunAsync(user, server, "nodes"));
        Assert.Matches(@"alpha +online, draining +\d+ \w+ +eu-west +8\.0 GiB +6\.0 GiB +a \[fast\] processor +8 +40 GB/s", user.Out);
        Assert.Matches(@"beta +away +\d+ \w+ +- +- +- +- +- +-", user.Out);

        Assert.Equal(ExitCode.Done, await RunAsync(user, server, "nodes", "--json"));
        var rows = JsonNode.Parse(user.Out)!.AsArray();
        Assert.Equal("alpha", rows[0]!["name"]!.GetValue<string>());
        Assert.Equal(6442450944, rows[0]!["freeMemoryBytes"]!.GetValue<long>());
        Assert.Equal(1.5, rows[0]!["links"]![0]!["roundTripMilliseconds"]!.GetValue<double>());
        Assert.Equal("away", rows[1]!["state"]!.GetValue<string>());
        Assert.Empty(user.Error);
    }

    [Fact]
    public async Task No_nodes_is_said_and_is_an_empty_document()
    {
        await using var server = await StartAsync();
        using var user = new CommandRun();
        server.Answers["GET /formation/v1/nodes"] = """{"object":"list","data":[]}""";
        Assert.Equal(ExitCode.Done, await RunAsync(user, server, "nodes"));
        Assert.Contains("form node token create", user.Error);
        Assert.Equal(ExitCode.Done, await RunAsync(user, server, "nodes", "--json"));
        Assert.Empty(JsonNode.Parse(user.Out)!.AsArray());
    }

    [Fact]
    public async Task Events_are_lines_with_time_and_reason()
    {
        await using var server = await StartAsync();
        using var user = new CommandRun();
        server.Answers["GET /formation/v1/events"] =
            """{"object":"list","data":[{"time":"2026-11-22T10:00:00+00:00","node":"alpha","kind":"lost","reason":"nothing was heard of it for 2.1 s"}]}""";
        Assert.Equal(ExitCode.Done, await RunAsync(user, server, "nodes", "--events"));
        Assert.Matches(@"2026-11-22 10:00:00Z +alpha +lost +nothing was heard of it for 2\.1 s", user.Out);
    }

    [Fact]
    public async Task Gateways_are_listed_with_the_one_that_decides()
    {
        await using var server = await StartAsync();
        using var user = new CommandRun();
        server.Answers["GET /formation/v1/gateways"] =
            $$"""{"object":"list","data":[{"object":"gateway","pin":"{{new string('c', 64)}}","urls":["https://10.0.0.1:8081"],"last_seen":"2026-11-22T09:59:57+00:00","answering":true,"deciding":true}]}""";
        Assert.Equal(ExitCode.Done, await RunAsync(user, server, "gateways"));
        Assert.Matches(@"c{12} +https://10\.0\.0\.1:8081 +\d+ \w+ ago +decides, answers here", user.Out);
    }

    [Fact]
    public async Task A_token_comes_with_the_command_to_paste()
    {
        await using var server = await StartAsync();
        using var user = new CommandRun();
        server.Answers["POST /formation/v1/nodes/tokens"] = Token.Replace("OUTSIDE", "true");
        Assert.Equal(
            ExitCode.Done,
            await RunAsync(user, server, "node", "token", "create", "--expires", "2h", "--region", "eu", "--label", "disk=fast", "--label", "a=b=c", "--trusted"));
        Assert.Contains("form node join --gateway https://10.0.0.1:8081 --token fs_join_secret", user.Out);
        Assert.Contains("2026-11-22 11:00:00Z", user.Out);
        Assert.Empty(user.Error);
        var terms = Assert.Single(server.Requests);
        Assert.Equal(7200, terms["expires_in"]!.GetValue<long>());
        Assert.Equal("eu", terms["region"]!.GetValue<string>());
        Assert.Equal("fast", terms["labels"]!["disk"]!.GetValue<string>());
        Assert.Equal("b=c", terms["labels"]!["a"]!.GetValue<string>());
        Assert.True(terms["trusted"]!.GetValue<bool>());
    }

    [Fact]
    public async Task A_token_as_json_is_one_document_and_a_gateway_nobody_reaches_is_a_warning_beside_it()
    {
        await using var server = await StartAsync();
        using var user = new CommandRun();
        server.Answers["POST /formation/v1/nodes/tokens"] = Token.Replace("OUTSIDE", "false");
        Assert.Equal(ExitCode.Done, await RunAsync(user, server, "node", "token", "create", "--json"));
        var token = JsonNode.Parse(user.Out)!;
        Assert.Equal("fs_join_secret", token["token"]!.GetValue<string>());
        Assert.Equal("form node join --gateway https://10.0.0.1:8081 --token fs_join_secret", token["command"]!.GetValue<string>());
        Assert.Contains("--cluster-listen", user.Error);
        Assert.Null(Assert.Single(server.Requests)["expires_in"]);
    }

    [Fact]
    public async Task A_node_is_shown_in_lines()
    {
        await using var server = await StartAsync();
        using var user = new CommandRun();
        server.Answers["GET /formation/v1/nodes/alpha"] = Alpha;
        Assert.Equal(ExitCode.Done, await RunAsync(user, server, "node", "inspect", "alpha"));
        Assert.Contains("online, draining since 2026-11-22 10:00:00Z: connected from 10.0.0.2:4711", user.Out);
        Assert.Contains("disk=fast", user.Out);
        Assert.Contains("beta: 1.50 ms there and back, 125 MB/s", user.Out);
    }

    [Fact]
    public async Task A_node_is_drained_resumed_and_removed()
    {
        await using var server = await StartAsync();
        using var user = new CommandRun();
        server.Answers["POST /formation/v1/nodes/alpha/drain"] = Alpha;
        server.Answers["POST /formation/v1/nodes/alpha/resume"] = Alpha.Replace("\"draining\":true", "\"draining\":false");
        server.Answers["DELETE /formation/v1/nodes/alpha"] = """{"object":"node","name":"alpha","removed":true}""";
        Assert.Equal(ExitCode.Done, await RunAsync(user, server, "node", "drain", "alpha"));
        Assert.Contains("takes no new work", user.Out);
        Assert.Equal(ExitCode.Done, await RunAsync(user, server, "node", "drain", "alpha", "--undo"));
        Assert.Contains("takes work again", user.Out);
        Assert.Equal(ExitCode.Done, await RunAsync(user, server, "node", "remove", "alpha"));
        Assert.Contains("alpha is removed", user.Out);
    }

    [Theory]
    [InlineData(404, ExitCode.NotFound)]
    [InlineData(403, ExitCode.NotAuthorised)]
    [InlineData(400, ExitCode.WrongUsage)]
    [InlineData(500, ExitCode.Failed)]
    public async Task A_refusal_of_the_server_is_shown_with_its_exit_code(int status, int exitCode)
    {
        await using var server = await StartAsync();
        using var user = new CommandRun();
        server.Refusal = (status, """{"error":{"message":"the reason","type":"invalid_request_error","param":null,"code":null}}""");
        Assert.Equal(exitCode, await RunAsync(user, server, "node", "inspect", "nobody"));
        Assert.Contains("the reason", user.Error);
    }

    [Fact]
    public async Task A_server_of_another_version_is_told_as_such()
    {
        await using var server = await StartAsync();
        using var user = new CommandRun();
        server.Answers["GET /formation/v1/nodes"] = """{"object":"list","data":[{"name":"alpha"}]}""";
        Assert.Equal(ExitCode.Failed, await RunAsync(user, server, "nodes"));
        Assert.Contains("same version", user.Error);
    }

    [Theory]
    [InlineData("--label", "nonsense")]
    [InlineData("--label", "=x")]
    [InlineData("--expires", "soon")]
    public async Task A_wrong_option_of_a_token_names_its_value(string option, string value)
    {
        using var user = new CommandRun();
        Assert.Equal(ExitCode.WrongUsage, await user.RunAsync("node", "token", "create", option, value));
        Assert.Contains(value, user.Error);
    }

    private static Task<ScriptedServer> StartAsync() => ScriptedServer.StartAsync();

    private static Task<int> RunAsync(CommandRun user, ScriptedServer server, params string[] arguments) =>
        user.RunAsync([.. arguments, "--url", server.Url, "--key", ScriptedServer.Key]);
}
