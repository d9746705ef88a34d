using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;

namespace Formation.Inference.EndToEnd;

/// <summary>Installs and runs a suite of <c>tests/EndToEnd</c> with Node.js against any server.</summary>
internal static class JavaScriptSuite
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <param name="suite">The suite's folder.</param>
    /// <param name="baseUrl">The server, as the suite's client wants it.</param>
    /// <param name="apiKey">A key of the server.</param>
    /// <param name="model">A model of the server.</param>
    /// <param name="failingModel">A model whose answers fail after they began, or null.</param>
    public static async Task<(int ExitCode, string Output)> RunAsync(
        string suite, string baseUrl, string apiKey, string model, string? failingModel)
    {
        string root = FindRoot();
        string source = Path.Combine(root, "tests", "EndToEnd", suite);
        string work = Directory.CreateDirectory(Path.Combine(root, "artifacts", suite)).FullName;
        bool installed = IsInstalled(source, work);
        foreach (string file in (string[])["package.json", "suite.mjs"])
            File.Copy(Path.Combine(source, file), Path.Combine(work, file), overwrite: true);
        if (!installed)
        {
            (int code, string output) = await StartAsync(work, "npm", ["install", "--no-audit", "--no-fund", "--no-package-lock"], []);
            Assert.True(code == 0, $"npm install failed:\n{output}");
        }

        return await StartAsync(work, "node", ["--test", "suite.mjs"], new()
        {
            ["BASE_URL"] = baseUrl,
            ["API_KEY"] = apiKey,
            ["MODEL"] = model,
            ["FAILING_MODEL"] = failingModel,
        });
    }

    static bool IsInstalled(string source, string work)
    {
        string package = File.ReadAllText(Path.Combine(source, "package.json"));
        string copy = Path.Combine(work, "package.json");
        return File.Exists(copy) && File.ReadAllText(copy) == package
            && JsonElement.Parse(package).GetProperty("dependencies").EnumerateObject()
                .All(dependency => File.Exists(Path.Combine(work, "node_modules", dependency.Name, "package.json")));
    }

    static async Task<(int ExitCode, string Output)> StartAsync(
        string folder, string program, string[] arguments, Dictionary<string, string?> environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string? value) in environment)
            start.Environment[name] = value;
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception exception)
        {
            throw new InvalidOperationException(
                $"'{program}' can't be started: these tests need Node.js 20 or later with npm (Debian: apt-get install nodejs npm).", exception);
        }

        using (process)
        {
            using var patience = new CancellationTokenSource(Patience);
            Task<string> output = process.StandardOutput.ReadToEndAsync(patience.Token);
            Task<string> errors = process.StandardError.ReadToEndAsync(patience.Token);
            try
            {
                await process.WaitForExitAsync(patience.Token);
                return (process.ExitCode, await output + await errors);
            }
            finally
            {
                if (!process.HasExited)
                    process.Kill(entireProcessTree: true);
            }
        }
    }

    static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Formation.Inference.slnx")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("No folder above the tests holds Formation.Inference.slnx.");
    }
}
