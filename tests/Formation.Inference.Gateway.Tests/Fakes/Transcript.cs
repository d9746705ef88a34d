using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Formation.Inference.Gateway.Tests.Fakes;

/// <summary>Compares an answer with a committed one, byte by byte.</summary>
internal static partial class Transcript
{
    /// <summary>
    /// The environment variable under which a run writes the transcripts instead of comparing them. The difference is then reviewed in git.
    /// </summary>
    const string UpdateVariable = "FORMATION_UPDATE_TRANSCRIPTS";

    public static void Matches(string name, string actual, [CallerFilePath] string callerPath = "")
    {
        // The fingerprint changes with the server's version; a test of its own says how.
        actual = Fingerprint().Replace(actual, "fp_FINGERPRINT");
        string path = Path.Combine(FindGolden(callerPath), name);
        if (Environment.GetEnvironmentVariable(UpdateVariable) == "1")
            File.WriteAllText(path, actual + "\n");
        Assert.True(File.Exists(path), $"There is no transcript {name}. Run with {UpdateVariable}=1, and read what it writes.");
        Assert.Equal(File.ReadAllText(path), actual + "\n");
    }

    [GeneratedRegex("fp_[0-9a-f]{10}")]
    private static partial Regex Fingerprint();

    static string FindGolden(string callerPath)
    {
        DirectoryInfo? folder = Directory.GetParent(callerPath);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Formation.Inference.Gateway.Tests.csproj")))
            folder = folder.Parent;
        return Path.Combine(folder?.FullName ?? throw new DirectoryNotFoundException(callerPath), "Golden");
    }
}
