using Formation.Inference.Accounts.Keys;
using Formation.Inference.Storage;
using Formation.Inference.Storage.Engines;
using Formation.Inference.Testing.Databases;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Accounts.Tests.Keys;

/// <summary>A data directory of a test's own, a database there or elsewhere, and a clock.</summary>
internal sealed class KeyDirectory(TestDatabase? database = null) : IDisposable
{
    readonly DirectoryInfo _parent = Directory.CreateTempSubdirectory("formation-keys-");
    readonly List<Database> _opened = [];

    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 5, 1, 23, 59, 0, TimeSpan.Zero));

    /// <summary>Does not exist before a store was opened.</summary>
    public string Path => System.IO.Path.Combine(_parent.FullName, "data");

    public string Pepper => System.IO.Path.Combine(Path, "accounts.pepper");

    public ApiKeyStore Open() => ApiKeyStore.Open(Connect(), Path, Clock);

    /// <summary>Opens the store on the same database, as a server does that has another data directory.</summary>
    public ApiKeyStore OpenElsewhere() => ApiKeyStore.Open(Connect(), System.IO.Path.Combine(_parent.FullName, "elsewhere"), Clock);

    public void Execute(string sql) => Connect().Execute(sql);

    public void Dispose()
    {
        foreach (Database opened in _opened)
            opened.Dispose();
        database?.Dispose();
        _parent.Delete(recursive: true);
    }

    Database Connect()
    {
        if (database is not null)
            return database.Open();
        Database opened = SqliteDatabase.Open(System.IO.Path.Combine(Path, "accounts.db"), Clock);
        _opened.Add(opened);
        return opened;
    }
}
