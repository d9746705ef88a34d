namespace Formation.Inference.Repository.Tests;

/// <summary>The checkout that these tests were built from.</summary>
static class RepositoryRoot
{
    public static string Path { get; } = Find();

    /// <summary>Files below a folder of the repository, build outputs left out, as paths relative to the root with forward slashes.</summary>
    public static IEnumerable<string> Files(string folder, string pattern) =>
        Directory.Exists(In(folder))
            ? Directory.EnumerateFiles(In(folder), pattern, SearchOption.AllDirectories)
                .Select(file => System.IO.Path.GetRelativePath(Path, file))
                .Where(file => !file.Split('/').Any(part => part is "bin" or "obj" or "artifacts" or "node_modules"))
                .Order(StringComparer.Ordinal)
            : [];

    /// <summary>The absolute path of something in the repository.</summary>
    public static string In(string relative) => System.IO.Path.Combine(Path, relative);

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "Formation.Inference.slnx")))
                return folder.FullName;
        throw new InvalidOperationException($"no Formation.Inference.slnx above {AppContext.BaseDirectory}");
    }
}
