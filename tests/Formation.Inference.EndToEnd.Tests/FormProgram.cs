using System.Diagnostics;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>The built program, run as users run it.</summary>
static class FormProgram
{
    /// <summary>What ran: its exit code and what it wrote.</summary>
    public sealed record Result(int ExitCode, string Out, string Error);

    /// <summary>The program of the build that these tests belong to.</summary>
    private static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "form.dll");

    /// <summary>How to start it with a user's home; nothing of the test's own environment leaks in.</summary>
    public static ProcessStartInfo Start(string home, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = home,
        };
        start.ArgumentList.Add(Path);
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("FORMATION_", StringComparison.Ordinal) || name.StartsWith("XDG_", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(name);
        start.Environment["HOME"] = home;
        return start;
    }

    /// <summary>Runs a command to its end.</summary>
    public static async Task<Result> RunAsync(string home, string input, params string[] arguments)
    {
        using var process = Process.Start(Start(home, arguments))!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return new Result(process.ExitCode, await output, await error);
    }
}
