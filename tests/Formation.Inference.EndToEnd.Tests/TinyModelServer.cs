using Formation.Inference.Testing.Models;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>One real server for a class of tests, serving a small model with random weights as <c>tiny</c> and as <c>formation-llm</c>.</summary>
public sealed class TinyModelServer : IAsyncLifetime
{
    public const string Key = "an-operator-key-for-tests";

    private readonly string _home = Directory.CreateTempSubdirectory("form-e2e-").FullName;
    private ServerProcess _server = null!;

    public ServerProcess Server => _server;

    /// <summary>The user's home of the server and of commands that talk to it.</summary>
    public string Home => _home;

    public static string BuildModel(string folder)
    {
        var path = Path.Combine(folder, "tiny.gguf");
        TinyModel.Build(path, new TinyModelOptions { ContextLength = 512 });
        return path;
    }

    public async ValueTask InitializeAsync()
    {
        var model = BuildModel(_home);
        _server = await ServerProcess.StartAsync(_home, "--model", $"tiny={model}", "--model", $"formation-llm={model}", "--api-key", Key, "--threads", "2");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_home, recursive: true);
    }
}
