using Microsoft.Data.Sqlite;

namespace Formation.Inference.Cluster.Tests.Fakes;

/// <summary>A folder of its own for one test.</summary>
sealed class TestFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("formation-cluster-");

    public string Path => _folder.FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _folder.Delete(recursive: true);
    }
}
