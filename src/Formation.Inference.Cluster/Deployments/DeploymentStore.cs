using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Serialization;
using Formation.Inference.Storage;

namespace Formation.Inference.Cluster.Deployments;

/// <summary>
/// What was decided about deployments: with it a gateway that starts again finds its workers where it left them. Safe to call from any thread;
/// every method throws <see cref="StorageException"/> when the database fails.
/// </summary>
public sealed class DeploymentStore
{
    private static readonly Schema Tables = new(
        "deployments",
        sql => $"CREATE TABLE IF NOT EXISTS deployments (model {sql.Text} PRIMARY KEY, body {sql.Text} NOT NULL){sql.TableEnd}",
        sql => $"ALTER TABLE deployments ADD COLUMN version {sql.Integer} NOT NULL DEFAULT 1");

    private readonly Database _database;

    private DeploymentStore(Database database) => _database = database;

    /// <summary>Opens the store in a database, which stays the caller's.</summary>
    /// <exception cref="InvalidDataException">A newer version of the program made its table.</exception>
    public static DeploymentStore Open(Database database)
    {
        database.Prepare(Tables);
        return new DeploymentStore(database);
    }

    /// <summary>All deployments, ordered by their model.</summary>
    /// <exception cref="InvalidDataException">One is damaged, or of another version of the program.</exception>
    public IReadOnlyList<StoredDeployment> Load() => _database.Query(
        "SELECT model, body, version FROM deployments ORDER BY model",
        row => new StoredDeployment(Read(row.GetString(0), row.GetString(1)), row.GetInt64(2)));

    /// <summary>Keeps a deployment where nobody has kept another of its model since it was loaded.</summary>
    /// <param name="deployment">The deployment.</param>
    /// <param name="expectedVersion">The version that it was loaded with, or 0 where there was none.</param>
    /// <returns>Its new version, more than 0; null where another was faster, and nothing was kept.</returns>
    public long? TrySave(Deployment deployment, long expectedVersion)
    {
        // A version begins with the time: one of a deployment that was removed is none of the one that was made after it.
        using var transaction = _database.Begin();
        var version = (expectedVersion == 0
            ? transaction.Query(
                $"INSERT INTO deployments (model, body, version) VALUES (@model, @body, {_database.Dialect.Now}) ON CONFLICT (model) DO NOTHING RETURNING version",
                Number, ("@model", deployment.ModelId), ("@body", Text(deployment)))
            : transaction.Query(
                "UPDATE deployments SET body = @body, version = version + 1 WHERE model = @model AND version = @version RETURNING version",
                Number, ("@model", deployment.ModelId), ("@body", Text(deployment)), ("@version", expectedVersion))).SingleOrDefault();
        if (version is null)
            return null;
        transaction.TellOthers();
        transaction.Commit();
        return version;
    }

    /// <summary>Forgets a deployment. False where there is none of this model.</summary>
    public bool Remove(string modelId)
    {
        using var transaction = _database.Begin();
        if (transaction.Execute("DELETE FROM deployments WHERE model = @model", ("@model", modelId)) == 0)
            return false;
        transaction.TellOthers();
        transaction.Commit();
        return true;
    }

    private static long? Number(DbDataReader row) => row.GetInt64(0);

    /// <summary>A deployment as it is kept; two that decide the same have the same text.</summary>
    internal static string Text(Deployment deployment) => JsonSerializer.Serialize(deployment, DeploymentJson.Default.Deployment);

    internal static Deployment Read(string model, string body)
    {
        try
        {
            if (JsonSerializer.Deserialize(body, DeploymentJson.Default.Deployment) is { } deployment)
                return deployment;
        }
        catch (JsonException)
        {
        }
        throw new InvalidDataException($"The deployment of {model} in the database can't be read; it is damaged, or another version of the program wrote it.");
    }
}

/// <summary>A deployment as it was found.</summary>
/// <param name="Deployment">The deployment.</param>
/// <param name="Version">Grows with every change of it.</param>
public sealed record StoredDeployment(Deployment Deployment, long Version);

[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(Deployment))]
sealed partial class DeploymentJson : JsonSerializerContext;
