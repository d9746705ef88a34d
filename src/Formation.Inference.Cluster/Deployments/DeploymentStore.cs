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
    private static readonly Schema Tables = new("deployments", sql =>
        $"CREATE TABLE IF NOT EXISTS deployments (model {sql.Text} PRIMARY KEY, body {sql.Text} NOT NULL){sql.TableEnd}");

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
    public IReadOnlyList<Deployment> Load() =>
        _database.Query("SELECT model, body FROM deployments ORDER BY model", row => Read(row.GetString(0), row.GetString(1)));

    /// <summary>Keeps a deployment in the place of what was kept of its model.</summary>
    public void Save(Deployment deployment) => _database.Execute(
        "INSERT INTO deployments (model, body) VALUES (@model, @body) ON CONFLICT (model) DO UPDATE SET body = excluded.body",
        ("@model", deployment.ModelId), ("@body", Text(deployment)));

    /// <summary>Forgets a deployment.</summary>
    public void Remove(string modelId) => _database.Execute("DELETE FROM deployments WHERE model = @model", ("@model", modelId));

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

[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(Deployment))]
sealed partial class DeploymentJson : JsonSerializerContext;
