using Formation.Inference.Storage;
using Formation.Inference.Storage.Engines;

namespace Formation.Inference.Testing.Databases;

/// <summary>A database of the tests' PostgreSQL.</summary>
public sealed class PostgresTestDatabase(string connectionString) : TestDatabase
{
    public string ConnectionString { get; } = connectionString;

    private protected override Database Connect() => PostgresDatabase.Open(ConnectionString);
}
