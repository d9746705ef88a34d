namespace Formation.Inference.Gateway.Tests.Fakes;

/// <summary>The pages of <c>docs/api</c>, which tests hold against the server.</summary>
internal static class ApiDocument
{
    /// <param name="name">The page's file.</param>
    internal static string Read(string name)
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Formation.Inference.slnx")))
            folder = folder.Parent;
        return folder is null
            ? throw new DirectoryNotFoundException("No folder above the tests holds Formation.Inference.slnx.")
            : File.ReadAllText(Path.Combine(folder.FullName, "docs", "api", name));
    }
}
