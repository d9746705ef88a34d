using Formation.Inference.Storage.Engines;
using Formation.Inference.Testing.Databases;
using Formation.Inference.Testing.Files;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Storage.Tests;

public sealed class SqliteDatabaseTests() : DatabaseConformance(new SqliteTestDatabase())
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    [Fact]
    public void The_files_are_the_owners_alone()
    {
        using var folder = new TemporaryDirectory();
        var path = Path.Combine(folder.Path, "data", "test.db");
        using var database = SqliteDatabase.Open(path, TimeProvider.System);
        database.Execute("CREATE TABLE things (name TEXT)");

        Assert.Equal(Owner | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(path)!));
        Assert.All(Directory.GetFiles(Path.GetDirectoryName(path)!), file => Assert.Equal(Owner, File.GetUnixFileMode(file)));
    }

    [Fact]
    public void Others_rights_on_a_file_that_is_there_are_taken_away()
    {
        using var folder = new TemporaryDirectory();
        SqliteDatabase.Open(folder.File("test.db"), TimeProvider.System).Dispose();
        File.SetUnixFileMode(folder.File("test.db"), Owner | UnixFileMode.OtherRead);
        SqliteDatabase.Open(folder.File("test.db"), TimeProvider.System).Dispose();
        Assert.Equal(Owner, File.GetUnixFileMode(folder.File("test.db")));
    }

    [Fact]
    public void A_file_that_is_no_database_is_an_error_that_names_it()
    {
        using var folder = new TemporaryDirectory();
        File.WriteAllText(folder.File("test.db"), new string('x', 10_000));
        var error = Assert.Throws<StorageException>(() => SqliteDatabase.Open(folder.File("test.db"), TimeProvider.System));
        Assert.Contains("test.db", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Its_clock_is_the_one_that_it_was_given()
    {
        using var folder = new TemporaryDirectory();
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddMilliseconds(5));
        using var database = SqliteDatabase.Open(folder.File("test.db"), clock);
        clock.Advance(TimeSpan.FromMilliseconds(37));
        Assert.Equal(42, database.Query($"SELECT {database.Dialect.Now}", row => row.GetInt64(0)).Single());
    }
}
