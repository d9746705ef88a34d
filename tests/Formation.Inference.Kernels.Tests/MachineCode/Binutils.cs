using System.ComponentModel;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Formation.Inference.Kernels.Tests.MachineCode;

/// <summary>The disassembler of GNU binutils, where it is installed.</summary>
internal static partial class Binutils
{
    // Older ones do not know all instructions, or write them otherwise.
    private static readonly Version Oldest = new(2, 40);

    // Why the disassembler can't be used, or null where it can.
    private static readonly string? Missing = Check();

    internal static bool IsInstalled => Missing is null;

    /// <summary>Skips a test where there is no disassembler.</summary>
    internal static void Require() => Assert.SkipWhen(Missing is not null, Missing ?? "");

    /// <summary>The instructions of some code, one a line, blanks made single.</summary>
    internal static string[] Disassemble(byte[] code)
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, code);
            var output = Run("-D", "-b", "binary", "-m", "i386:x86-64", "-M", "intel", "--no-show-raw-insn", file)!;
            return [.. Line().Matches(output).Select(match => Blanks().Replace(match.Groups[1].Value, " ").Trim())];
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static string? Check()
    {
        var version = Run("--version") is { } text ? VersionNumber().Match(text) : Match.Empty;
        if (!version.Success)
            return "objdump of GNU binutils is not installed";
        return Version.Parse(version.Value) < Oldest ? $"objdump {version.Value} is older than {Oldest}" : null;
    }

    private static string? Run(params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("objdump", arguments) { RedirectStandardOutput = true })!;
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? output : null;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    [GeneratedRegex(@"^\s*[0-9a-f]+:\t(.*)$", RegexOptions.Multiline)]
    private static partial Regex Line();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();

    [GeneratedRegex(@"[0-9]+\.[0-9]+")]
    private static partial Regex VersionNumber();
}
