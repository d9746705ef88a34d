using Formation.Inference.Cli.Terminal;

namespace Formation.Inference.Cli.Tests.Fakes;

/// <summary>Runs commands in process, each user in an own folder, and keeps what they wrote.</summary>
sealed class CommandRun : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("form-cli-").FullName;

    public string Data => Path.Combine(_home, "data");

    public UserFolders Folders => new(Data, Path.Combine(_home, "config"));

    public Dictionary<string, string> Environment { get; } = [];

    public string StandardInput { get; set; } = "";

    /// <summary>Whether standard input is a person.</summary>
    public bool InputIsTerminal { get; set; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    public string Out { get; private set; } = "";

    public string Error { get; private set; } = "";

    /// <summary>Runs one command line and gives its exit code.</summary>
    public async Task<int> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var context = new CommandContext(
            new CommandOutput(output, error, outputIsTerminal: false, errorIsTerminal: false),
            new CommandInput(new StringReader(StandardInput), () => new MemoryStream(System.Text.Encoding.UTF8.GetBytes(StandardInput)), InputIsTerminal),
            Folders,
            Environment.GetValueOrDefault,
            Time);
        var code = await FormApplication.RunAsync(arguments, context, TestContext.Current.CancellationToken);
        Out = output.ToString();
        Error = error.ToString();
        return code;
    }

    /// <summary>A new file in this user's home.</summary>
    public string WriteFile(string name, byte[] content)
    {
        var path = Path.Combine(_home, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content);
        return path;
    }

    public void Dispose() => Directory.Delete(_home, recursive: true);
}
