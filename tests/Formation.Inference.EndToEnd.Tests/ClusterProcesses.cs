using System.Text.Json;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>A gateway and nodes, real processes on one machine, and a model that they can serve together.</summary>
sealed class ClusterProcesses : IAsyncDisposable
{
    public const string Model = "shared";
    private const string Key = "an-operator-key-for-tests";

    private readonly string _home = Directory.CreateTempSubdirectory("form-cluster-").FullName;
    private readonly Dictionary<string, NodeProcess> _nodes = new(StringComparer.Ordinal);

    private ClusterProcesses()
    {
    }

    public ServerProcess Server { get; private set; } = null!;

    public HttpClient Client { get; private set; } = null!;

    public IReadOnlyDictionary<string, NodeProcess> Nodes => _nodes;

    /// <summary>Starts a gateway that knows a model with random weights, and nodes <c>n1</c>, <c>n2</c> ...</summary>
    /// <param name="nodes">How many nodes.</param>
    /// <param name="model">The model, or null for one of six layers.</param>
    /// <param name="isNode">Whether the gateway's machine is a node, too.</param>
    public static async Task<ClusterProcesses> StartAsync(int nodes, TinyModelOptions? model = null, bool isNode = false)
    {
        var cluster = new ClusterProcesses();
        var path = Path.Combine(cluster._home, "model.gguf");
        TinyModel.Build(path, model ?? new TinyModelOptions { LayerCount = 6, ContextLength = 512 });
        string[] options = isNode ? ["--memory", "256MiB"] : ["--no-node"];
        cluster.Server = await ServerProcess.StartAsync(
            cluster._home, ["--model", $"{Model}={path}", "--api-key", Key, "--threads", "1", "--context", "512", .. options]);
        cluster.Client = cluster.Server.Client(Key);
        for (var i = 1; i <= nodes; i++)
            await cluster.AddAsync($"n{i}");
        return cluster;
    }

    /// <summary>Adds a node, or starts one again that was there before.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="listen">Where others dial it, or <c>off</c>.</param>
    public async Task AddAsync(string name, string listen = "127.0.0.1:0")
    {
        var token = JsonElement.Parse((await FormAsync("node", "token", "create", "--json")).Out).GetProperty("command").GetString()!.Split(' ');
        if (_nodes.Remove(name, out var before))
            await before.DisposeAsync();
        _nodes[name] = await NodeProcess.StartAsync(_home, name, [.. token[3..], "--name", name, "--listen", listen]);
    }

    /// <summary>Deploys the model, and waits until it serves.</summary>
    public async Task DeployAsync(params string[] options)
    {
        var result = await FormAsync(["deploy", Model, "--context", "512", .. options]);
        Assert.True(result.ExitCode == 0, result.Error + result.Out);
        await StateAsync("ready");
    }

    /// <summary>Waits until the deployment is in this state.</summary>
    public Task StateAsync(string state) => Eventually.TrueAsync(async () => (await DeploymentAsync()).GetProperty("state").GetString() == state);

    public async Task<JsonElement> DeploymentAsync() =>
        JsonElement.Parse(await Client.GetStringAsync($"/formation/v1/deployments/{Model}", TestContext.Current.CancellationToken));

    /// <summary>The nodes by what their workers do: <c>head</c>, <c>stage</c>.</summary>
    public async Task<IReadOnlyList<string>> NodesOfAsync(string role) =>
    [
        .. (await DeploymentAsync()).GetProperty("replicas").EnumerateArray().SelectMany(replica => replica.GetProperty("workers").EnumerateArray())
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
        Client?.Dispose();
        if (Server is not null)
            await Server.DisposeAsync();
        Directory.Delete(_home, recursive: true);
    }
}
