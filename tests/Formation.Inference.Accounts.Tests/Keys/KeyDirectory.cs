using Formation.Inference.Accounts.Keys;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Accounts.Tests.Keys;

/// <summary>A data directory of a test's own, and a clock.</summary>
internal sealed class KeyDirectory : IDisposable
{
    readonly DirectoryInfo _parent = Directory.CreateTempSubdirectory("formation-keys-");

    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 5, 1, 23, 59, 0, TimeSpan.Zero));

    /// <summary>Does not exist before a store was opened.</summary>
    public string Path => System.IO.Path.Combine(_parent.FullName, "data");

    public string Database => System.IO.Path.Combine(Path, "accounts.db");

    public string Pepper => System.IO.Path.Combine(Path, "accounts.pepper");

    public ApiKeyStore Open() => ApiKeyStore.Open(Path, Clock);

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _parent.Delete(recursive: true);
    }
}
