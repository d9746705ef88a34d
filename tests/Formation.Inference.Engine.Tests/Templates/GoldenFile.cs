using System.Text.Json;

namespace Formation.Inference.Engine.Tests.Templates;

/// <summary>Reads golden data below Golden/templates.</summary>
static class GoldenFile
{
    public static JsonElement Read(string relativePath)
    {
        using var document = JsonDocument.Parse(ReadText(relativePath));
        return document.RootElement.Clone();
    }

    public static string ReadText(string relativePath) => File.ReadAllText(PathOf(relativePath));

    public static string PathOf(string relativePath) => Path.Combine(Folder(), relativePath);

    static string Folder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var golden = Path.Combine(folder.FullName, "tests", "Formation.Inference.Engine.Tests", "Golden", "templates");
            if (Directory.Exists(golden))
                return golden;
        }
        throw new DirectoryNotFoundException($"no golden data of the chat templates above {AppContext.BaseDirectory}");
    }
}
