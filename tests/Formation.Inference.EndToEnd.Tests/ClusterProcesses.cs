using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>Gateways and nodes, real processes on one machine, and a model that they can serve together.</summary>
sealed class ClusterProcesses : IAsyncDisposable
{
    public const string Model = "shared";
    private const string Key = "an-operator-key-for-tests";

    private readonly string _home = Directory.CreateTempSubdirectory("form-cluster-").FullName;
    private readonly ConcurrentDictionary<string, NodeProcess> _nodes = new(StringComparer.Ordinal);
    private volatile (ServerProcess Server, HttpClient Client)[] _gateways = [];
    private readonly string[] _options;
    private readonly string[] _traces;

    private readonly int _context;

    private ClusterProcesses(string[] options, string? otlp, int context)
    {
        _context = context;
        _traces = otlp is null ? [] : ["--otlp", otlp];
        _options = [.. options, .. _traces];
    }

    /// <summary>The first gateway.</summary>
    public ServerProcess Server => _gateways[0].Server;

    /// <summary>A client of the first gateway.</summary>
    public HttpClient Client => _gateways[0].Client;

    /// <summary>A client of each gateway.</summary>
    public IReadOnlyList<HttpClient> Clients => [.. _gateways.Select(gateway => gateway.Client)];

    public IReadOnlyDictionary<string, NodeProcess> Nodes => _nodes;

    /// <summary>Starts a gateway that knows a model with random weights, and nodes <c>n1</c>, <c>n2</c> ...</summary>
    /// <param name="nodes">How many nodes.</param>
    /// <param name="model">The model, or null for one of six layers.</param>
    /// <param name="isNode">Whether the gateway's machine is a node, too.</param>
    /// <param name="kvFormat">How the gateway itself keeps keys and values.</param>
    /// <param name="database">Connection string of a database that several gateways share, or null for one gateway with its own.</param>
    /// <param name="gateways">How many gateways.</param>
    /// <param name="otlp">Where all of them send traces, or null.</param>
    /// <param name="serve">Further options of the gateways.</param>
    /// <param name="context">Tokens that the model's context has.</param>
    /// <param name="alike">Whether all nodes have the figures that the first one measured; then those behind it start together.</param>
    public static async Task<ClusterProcesses> StartAsync(
        int nodes, TinyModelOptions? model = null, bool isNode = false, string kvFormat = "f16", string? database = null, int gateways = 1,
        string? otlp = null, string[]? serve = null, int context = 512, bool alike = false)
    {
        string[] options =
        [
            "--api-key", Key, "--threads", "1", "--context", $"{context}", "--kv-format", kvFormat,
            .. (string[])(isNode ? ["--memory", "256MiB"] : ["--no-node"]), .. (string[])(database is null ? [] : ["--database", database]), .. serve ?? [],
        ];
        var cluster = new ClusterProcesses(options, otlp, context);
        TinyModel.Build(cluster.ModelPath, model ?? new TinyModelOptions { LayerCount = 6, ContextLength = context });
        for (var i = 0; i < gateways; i++)
            cluster._gateways = [.. cluster._gateways, await cluster.StartGatewayAsync(i)];
        for (var i = 1; i <= (alike ? 1 : nodes); i++)
            await cluster.AddAsync($"n{i}");
        if (alike)
            await cluster.AddAlikeAsync([.. Enumerable.Range(2, nodes - 1).Select(i => $"n{i}")], times: 1);
        return cluster;
    }

    private string ModelPath => Path.Combine(_home, "model.gguf");

    /// <summary>Ends a gateway at once (SIGKILL).</summary>
    public Task KillGatewayAsync(int index) => _gateways[index].Server.KillAsync();

    /// <summary>Starts a gateway that was killed, with the data that it had.</summary>
    public async Task RestartGatewayAsync(int index)
    {
        await _gateways[index].Server.DisposeAsync();
        var started = await StartGatewayAsync(index);
        _gateways = [.. _gateways.Select((gateway, i) => i == index ? started : gateway)];
    }

    // Gateways that share keys have the same pepper; an operator copies it, too.
    private async Task<(ServerProcess Server, HttpClient Client)> StartGatewayAsync(int index)
    {
        string DataOf(int gateway) => Path.Combine(_home, $"gateway-{gateway}");
        var pepper = Path.Combine(DataOf(index), "accounts.pepper");
        if (index > 0 && !File.Exists(pepper))
        {
            Directory.CreateDirectory(DataOf(index));
            File.Copy(Path.Combine(DataOf(0), "accounts.pepper"), pepper);
        }
        var server = await ServerProcess.StartAsync(_home, ["--data", DataOf(index), "--model", $"{Model}={ModelPath}", .. _options]);
        return (server, server.Client(Key));
    }

    /// <summary>Adds a node, or starts one again that was there before.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="listen">Where others dial it, or <c>off</c>.</param>
    public async Task AddAsync(string name, string listen = "127.0.0.1:0")
    {
        var token = JsonElement.Parse((await FormAsync("node", "token", "create", "--json")).Out).GetProperty("command").GetString()!.Split(' ');
        if (_nodes.TryRemove(name, out var before))
            await before.DisposeAsync();
        _nodes[name] = await NodeProcess.StartAsync(_home, name, [.. token[3..], "--name", name, "--listen", listen, .. _traces]);
    }

    /// <summary>Lets a node that has not started yet find that it was measured before: so many times as fast as another one.</summary>
    /// <param name="name">The node to come.</param>
    /// <param name="as">The one that was measured.</param>
    /// <param name="times">How many times.</param>
    public void Measure(string name, string @as, double times)
    {
        var measured = JsonNode.Parse(File.ReadAllText(Path.Combine(_home, @as, "machine-speed.json")))!;
        var speed = measured["speed"]!.AsObject();
        foreach (var figure in new[] { "readBytesPerSecond", "multiplyAddsPerSecond" })
            speed[figure] = speed[figure]!.GetValue<double>() * times;
        Directory.CreateDirectory(Path.Combine(_home, name));
        File.WriteAllText(Path.Combine(_home, name, "machine-speed.json"), measured.ToJsonString());
    }

    /// <summary>Adds nodes, all at once, that are so many times as fast as <c>n1</c> was measured.</summary>
    public Task AddAlikeAsync(IReadOnlyList<string> names, double times)
    {
        foreach (var name in names)
            Measure(name, @as: "n1", times);
        return Task.WhenAll(names.Select(name => AddAsync(name)));
    }

    /// <summary>Deploys the model, and waits until it serves.</summary>
    public async Task DeployAsync(params string[] options)
    {
        var result = await FormAsync(["deploy", Model, "--context", $"{_context}", .. options]);
        Assert.True(result.ExitCode == 0, result.Error + result.Out);
        await StateAsync("ready");
    }

    /// <summary>Waits until the deployment is in this state.</summary>
    public Task StateAsync(string state) => Eventually.TrueAsync(async () => (await DeploymentAsync()).GetProperty("state").GetString() == state);

    public Task<JsonElement> DeploymentAsync() => DeploymentAsync(Client);

    /// <summary>The deployment as one of the gateways sees it.</summary>
    public static async Task<JsonElement> DeploymentAsync(HttpClient gateway) =>
        JsonElement.Parse(await gateway.GetStringAsync($"/formation/v1/deployments/{Model}", TestContext.Current.CancellationToken));

    /// <summary>The nodes by what their workers do: <c>head</c>, <c>stage</c>.</summary>
    public Task<IReadOnlyList<string>> NodesOfAsync(string role) => NodesOfAsync(Client, role);

    /// <summary>The same as one of the gateways sees it.</summary>
    public static async Task<IReadOnlyList<string>> NodesOfAsync(HttpClient gateway, string role) =>
    [
        .. (await DeploymentAsync(gateway)).GetProperty("replicas").EnumerateArray().SelectMany(replica => replica.GetProperty("workers").EnumerateArray())
            .Where(worker => worker.GetProperty("role").GetString() == role)
            .Select(worker => worker.GetProperty("node").GetString()!),
    ];

    public async Task<string> EventsAsync() => (await FormAsync("status", "--events")).Out;

    public Task<FormProgram.Result> FormAsync(params string[] arguments) =>
        FormProgram.RunAsync(_home, "", [.. arguments, "--url", Server.Url, "--key", Key]);

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes.Values)
            await node.DisposeAsync();
        foreach (var (server, client) in _gateways)
        {
            client.Dispose();
            await server.DisposeAsync();
        }
        Directory.Delete(_home, recursive: true);
    }
}
