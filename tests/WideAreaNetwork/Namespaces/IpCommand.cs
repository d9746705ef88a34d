using System.ComponentModel;
using System.Diagnostics;

namespace Formation.Inference.WideAreaNetwork.Namespaces;

/// <summary>The program <c>ip</c> of iproute2.</summary>
static class IpCommand
{
    /// <summary>Runs it to its end, and gives what it wrote.</summary>
    /// <exception cref="InvalidOperationException">It is not installed, or it failed; the message has what it said.</exception>
    public static string Run(params string[] arguments) => Run(arguments, input: "");

    /// <inheritdoc cref="Run(string[])"/>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="input">Its standard input: with <c>-batch -</c> one command in each line.</param>
    public static string Run(string[] arguments, string input)
    {
        var start = new ProcessStartInfo("ip", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception error)
        {
            throw new InvalidOperationException($"the program ip (iproute2) does not run: {error.Message}", error);
        }
        using (process)
        {
            process.StandardInput.Write(input);
            process.StandardInput.Close();
            var errors = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0
                ? output
                : throw new InvalidOperationException($"ip {string.Join(' ', arguments)}: {errors.GetAwaiter().GetResult().Trim()}");
        }
    }
}
