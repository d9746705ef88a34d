using System.ComponentModel;
using System.Diagnostics;

namespace Formation.Inference.Cli.Bench.Peers;

/// <summary>Runs a program to its end.</summary>
/// <returns>How it ended, or null where there is no such program on the PATH.</returns>
delegate Task<ProgramOutcome?> RunProgram(string program, IReadOnlyList<string> arguments, string folder, CancellationToken cancellationToken);

/// <summary>How a program ended.</summary>
/// <param name="Output">Standard output, and standard error behind it.</param>
sealed record ProgramOutcome(int ExitCode, string Output)
{
    /// <summary>Runs a program of this machine.</summary>
    public static async Task<ProgramOutcome?> OfAsync(
        string program, IReadOnlyList<string> arguments, string folder, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            return null;
        }
        using (process)
        {
            try
            {
                var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
                var errors = process.StandardError.ReadToEndAsync(cancellationToken);
                await process.WaitForExitAsync(cancellationToken);
                return new ProgramOutcome(process.ExitCode, await output + await errors);
            }
            finally
            {
                if (!process.HasExited)
                    process.Kill(entireProcessTree: true);
            }
        }
    }
}
