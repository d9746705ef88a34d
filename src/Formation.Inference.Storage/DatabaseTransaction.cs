using System.Data.Common;

namespace Formation.Inference.Storage;

/// <summary>Statements that are done together or not at all. For one thread; undone by <see cref="Dispose"/> where it was not committed.</summary>
public sealed class DatabaseTransaction : IDisposable
{
    private readonly Database _database;
    private readonly DbConnection _connection;
    private readonly DbTransaction _transaction;

    private DatabaseTransaction(Database database, DbConnection connection, DbTransaction transaction)
    {
        _database = database;
        _connection = connection;
        _transaction = transaction;
    }

    internal static DatabaseTransaction Begin(Database database, DbConnection connection)
    {
        try
        {
            var transaction = new DatabaseTransaction(database, connection, connection.BeginTransaction());
            if (database.Beginning is { } beginning)
            {
                using var command = Statement.Create(connection, transaction._transaction, beginning);
                command.ExecuteNonQuery();
            }
            return transaction;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <inheritdoc cref="Database.Execute"/>
    public int Execute(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        try
        {
            using var command = Statement.Create(_connection, _transaction, sql, parameters);
            return command.ExecuteNonQuery();
        }
        catch (Exception error) when (Database.IsFault(error))
        {
            throw _database.Failure(error);
        }
    }

    /// <inheritdoc cref="Database.Query"/>
    public IReadOnlyList<T> Query<T>(string sql, Func<DbDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        try
        {
            using var command = Statement.Create(_connection, _transaction, sql, parameters);
            return Statement.Read(command, read);
        }
        catch (Exception error) when (Database.IsFault(error))
        {
            throw _database.Failure(error);
        }
    }

    /// <summary>Lets the other processes that share the database know, when the transaction is committed, that something changed.</summary>
    public void TellOthers() => _database.TellOthers(this);

    /// <exception cref="StorageException">Nothing was done, or the connection was lost at this very moment and nobody knows.</exception>
    public void Commit()
    {
        try
        {
            _transaction.Commit();
        }
        catch (Exception error) when (Database.IsFault(error))
        {
            throw _database.Failure(error);
        }
    }

    public void Dispose()
    {
        try
        {
            _transaction.Dispose();
        }
        catch (Exception error) when (Database.IsFault(error))
        {
            // A server that can't be told to undo it undoes it by itself, and why the work failed was said before.
        }
        _connection.Dispose();
    }
}
