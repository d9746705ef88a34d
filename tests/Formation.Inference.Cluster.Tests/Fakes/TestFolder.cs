using Formation.Inference.Storage;
using Formation.Inference.Storage.Engines;

namespace Formation.Inference.Cluster.Tests.Fakes;

/// <summary>A folder of its own for one test.</summary>
sealed class TestFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("formation-cluster-");
    private Database? _database;

    public string Path => _folder.FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>The database of a gateway that is alone.</summary>
    public Database Database => _database ??= SqliteDatabase.Open(File("cluster.db"), TimeProvider.System);

    public void Dispose()
    {
        _database?.Dispose();
        _folder.Delete(recursive: true);
    }
}
