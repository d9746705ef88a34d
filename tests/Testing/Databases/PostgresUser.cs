using System.Diagnostics;

namespace Formation.Inference.Testing.Databases;

/// <summary>Runs programs that refuse to run as root: a root that tests lends them the user postgres.</summary>
static class PostgresUser
{
    /// <summary>Runs a command to its end and gives its output.</summary>
    public static string Run(params string[] command)
    {
        using var process = Process.Start(Command(command))!;
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{command[0]} failed: {errors.Result}{output}");
    }

    /// <summary>How a command is started.</summary>
    public static ProcessStartInfo Command(params string[] command)
    {
        var info = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/tmp",
        };
        // Sentences of the server's are looked for.
        info.Environment["LC_ALL"] = "C";
        if (Environment.IsPrivilegedProcess)
            info.UserName = "postgres";
        return info;
    }
}
