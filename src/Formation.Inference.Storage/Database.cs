using System.Data.Common;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;

namespace Formation.Inference.Storage;

/// <summary>
/// A place where rows outlive the process: a file of SQLite's for one gateway, a server of PostgreSQL's for several. Statements are written
/// once: parameters are <c>@name</c>, and what the two call differently is in <see cref="Dialect"/>. Safe to use from any thread.
/// </summary>
/// <remarks>Every method throws a <see cref="StorageException"/> when the database does not do what it was told, and no other error of a driver.</remarks>
public abstract class Database : IDisposable
{
    private protected Database(SqlDialect dialect) => Dialect = dialect;

    /// <summary>What the two engines call differently.</summary>
    public SqlDialect Dialect { get; }

    /// <summary>Runs one statement, all of it or nothing.</summary>
    /// <returns>How many rows changed.</returns>
    public int Execute(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        if (Beginning is not null)
        {
            using var transaction = Begin();
            var changed = transaction.Execute(sql, parameters);
            transaction.Commit();
            return changed;
        }
        try
        {
            using var connection = Connect();
            using var command = Statement.Create(connection, null, sql, parameters);
            return command.ExecuteNonQuery();
        }
        catch (Exception error) when (IsFault(error))
        {
            throw Failure(error);
        }
    }

    /// <summary>The rows that a statement gives, in its order.</summary>
    public IReadOnlyList<T> Query<T>(string sql, Func<DbDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        if (Beginning is not null)
        {
            using var transaction = Begin();
            var rows = transaction.Query(sql, read, parameters);
            transaction.Commit();
            return rows;
        }
        try
        {
            using var connection = Connect();
            using var command = Statement.Create(connection, null, sql, parameters);
            return Statement.Read(command, read);
        }
        catch (Exception error) when (IsFault(error))
        {
            throw Failure(error);
        }
    }

    /// <inheritdoc cref="Query"/>
    public async Task<IReadOnlyList<T>> QueryAsync<T>(
        string sql, Func<DbDataReader, T> read, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters)
    {
        try
        {
            await using var connection = await ConnectAsync(cancellationToken);
            await using var transaction = await BeginAsync(connection, cancellationToken);
            await using var command = Statement.Create(connection, transaction, sql, parameters);
            var rows = await Statement.ReadAsync(command, read, cancellationToken);
            await (transaction?.CommitAsync(cancellationToken) ?? Task.CompletedTask);
            return rows;
        }
        catch (Exception error) when (IsFault(error))
        {
            throw Failure(error);
        }
    }

    /// <inheritdoc cref="Execute"/>
    public async Task<int> ExecuteAsync(string sql, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters)
    {
        try
        {
            await using var connection = await ConnectAsync(cancellationToken);
            await using var transaction = await BeginAsync(connection, cancellationToken);
            await using var command = Statement.Create(connection, transaction, sql, parameters);
            var changed = await command.ExecuteNonQueryAsync(cancellationToken);
            await (transaction?.CommitAsync(cancellationToken) ?? Task.CompletedTask);
            return changed;
        }
        catch (Exception error) when (IsFault(error))
        {
            throw Failure(error);
        }
    }

    /// <summary>Begins several statements that are done together or not at all: without <see cref="DatabaseTransaction.Commit"/> they are undone.</summary>
    public DatabaseTransaction Begin()
    {
        try
        {
            return DatabaseTransaction.Begin(this, Connect());
        }
        catch (Exception error) when (IsFault(error))
        {
            throw Failure(error);
        }
    }

    /// <summary>Makes the tables of a schema, or brings them up to date. Safe when several processes do so at once.</summary>
    /// <exception cref="InvalidDataException">A newer version of the program made them.</exception>
    public void Prepare(Schema schema)
    {
        using var transaction = Begin();
        Reserve(transaction);
        transaction.Execute($"CREATE TABLE IF NOT EXISTS schemas (name {Dialect.Text} PRIMARY KEY, version {Dialect.Integer} NOT NULL){Dialect.TableEnd}");
        var version = transaction.Query("SELECT version FROM schemas WHERE name = @name", row => row.GetInt64(0), ("@name", schema.Name)).FirstOrDefault();
        if (version > schema.Steps.Count)
            throw new InvalidDataException(
                $"The tables of '{schema.Name}' in the database are of version {version} and this program knows {schema.Steps.Count}: a newer one made them. Use that.");
        foreach (var step in schema.Steps.Skip((int)version))
            transaction.Execute(step(Dialect));
        transaction.Execute(
            "INSERT INTO schemas (name, version) VALUES (@name, @version) ON CONFLICT (name) DO UPDATE SET version = excluded.version",
            ("@name", schema.Name), ("@version", (long)schema.Steps.Count));
        transaction.Commit();
    }

    /// <summary>
    /// Calls <paramref name="changed"/> whenever another process that shares the database says so by <see cref="DatabaseTransaction.TellOthers"/>,
    /// on a connection of its own, until cancelled. Calls it once at the beginning too: from there on nothing is missed. Where nobody can share
    /// the database it only waits.
    /// </summary>
    /// <exception cref="StorageException">The connection was lost.</exception>
    public abstract Task ListenAsync(Action changed, CancellationToken cancellationToken);

    public abstract void Dispose();

    /// <summary>
    /// What each transaction begins with, where connections remember nothing from one transaction to the next; null where they do. Then each single
    /// statement is a transaction, too.
    /// </summary>
    internal virtual string? Beginning => null;

    private protected abstract DbConnection Connect();

    private protected abstract ValueTask<DbConnection> ConnectAsync(CancellationToken cancellationToken);

    /// <summary>Holds off everybody else who changes tables, until the transaction ends.</summary>
    private protected abstract void Reserve(DatabaseTransaction transaction);

    /// <summary>Tells the other processes when the transaction is committed.</summary>
    internal abstract void TellOthers(DatabaseTransaction transaction);

    /// <summary>What a driver's error means, in words that hold nothing of the connection string.</summary>
    internal abstract StorageException Failure(Exception error);

    private async ValueTask<DbTransaction?> BeginAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        if (Beginning is not { } beginning)
            return null;
        var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var command = Statement.Create(connection, transaction, beginning);
        await command.ExecuteNonQueryAsync(cancellationToken);
        return transaction;
    }

    internal static bool IsFault(Exception error) =>
        error is DbException or TimeoutException or SocketException or IOException or AuthenticationException or CryptographicException or UnauthorizedAccessException;
}
