using Formation.Inference.Testing.Models;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>One real server for a class of tests, serving a small model with random weights as <c>tiny</c> and as <c>formation-llm</c>, and as <see cref="Roomy"/>.</summary>
public sealed class TinyModelServer : IAsyncLifetime
{
    public const string Key = "an-operator-key-for-tests";

    private readonly string _home = Directory.CreateTempSubdirectory("form-e2e-").FullName;
    private ServerProcess _server = null!;

    public ServerProcess Server => _server;

    /// <summary>The user's home of the server and of commands that talk to it.</summary>
    public string Home => _home;

    /// <summary>
    /// The same model with a context that has room for descriptions of tools, which are long for its small vocabulary, and with tokens for filling gaps.
    /// </summary>
    public const string Roomy = "tiny-2k";

    public static string BuildModel(string folder, string name = "tiny", int contextLength = 512, bool fillsGaps = false)
    {
        var path = Path.Combine(folder, $"{name}.gguf");
        TinyModel.Build(path, new TinyModelOptions { ContextLength = contextLength, FillsGaps = fillsGaps });
        return path;
    }

    public async ValueTask InitializeAsync()
    {
        var model = BuildModel(_home);
        _server = await ServerProcess.StartAsync(
            _home, "--model", $"tiny={model}", "--model", $"formation-llm={model}", "--model", $"{Roomy}={BuildModel(_home, Roomy, 2048, fillsGaps: true)}",
            "--api-key", Key, "--threads", "2");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_home, recursive: true);
    }
}
