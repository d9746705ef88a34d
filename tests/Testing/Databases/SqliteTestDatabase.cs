using Formation.Inference.Storage;
using Formation.Inference.Storage.Engines;
using Formation.Inference.Testing.Files;

namespace Formation.Inference.Testing.Databases;

/// <summary>A file of SQLite's in a folder of its own.</summary>
/// <param name="clock">The clock of the database; the machine's where it is left out.</param>
public sealed class SqliteTestDatabase(TimeProvider? clock = null) : TestDatabase
{
    private readonly TemporaryDirectory _folder = new();

    public override void Dispose()
    {
        base.Dispose();
        _folder.Dispose();
    }

    private protected override Database Connect() => SqliteDatabase.Open(_folder.File("test.db"), clock ?? TimeProvider.System);
}
