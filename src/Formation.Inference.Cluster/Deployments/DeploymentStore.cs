using System.Text.Json;
using System.Text.Json.Serialization;
using Formation.Inference.Cluster.Nodes.Storage;

namespace Formation.Inference.Cluster.Deployments;

/// <summary>
/// What was decided about deployments, in <c>cluster.db</c>: with it a gateway that starts again finds its workers where it left them. Safe to
/// call from any thread.
/// </summary>
public sealed class DeploymentStore
{
    private readonly ClusterDatabase _database;

    private DeploymentStore(ClusterDatabase database)
    {
        _database = database;
        using var connection = database.Connect();
        ClusterDatabase.Execute(
            connection, null, "CREATE TABLE IF NOT EXISTS deployments (model TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID");
    }

    /// <summary>Opens the store in a data folder.</summary>
    /// <exception cref="IOException">The folder can't be written.</exception>
    public static DeploymentStore Open(string folder) => new(ClusterDatabase.Open(folder));

    /// <summary>All deployments, ordered by their model.</summary>
    /// <exception cref="InvalidDataException">One is damaged, or of another version of the program.</exception>
    public IReadOnlyList<Deployment> Load()
    {
        using var connection = _database.Connect();
        using var command = ClusterDatabase.Command(connection, null, "SELECT model, body FROM deployments ORDER BY model");
        using var row = command.ExecuteReader();
        var deployments = new List<Deployment>();
        while (row.Read())
            deployments.Add(Read(row.GetString(0), row.GetString(1)));
        return deployments;
    }

    /// <summary>Keeps a deployment in the place of what was kept of its model.</summary>
    public void Save(Deployment deployment)
    {
        using var connection = _database.Connect();
        ClusterDatabase.Execute(
            connection, null, "INSERT INTO deployments (model, body) VALUES ($model, $body) ON CONFLICT (model) DO UPDATE SET body = excluded.body",
            ("$model", deployment.ModelId), ("$body", Text(deployment)));
    }

    /// <summary>Forgets a deployment.</summary>
    public void Remove(string modelId)
    {
        using var connection = _database.Connect();
        ClusterDatabase.Execute(connection, null, "DELETE FROM deployments WHERE model = $model", ("$model", modelId));
    }

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
        throw new InvalidDataException($"The deployment of {model} in cluster.db can't be read; it is damaged, or another version of the program wrote it.");
    }
}

[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(Deployment))]
sealed partial class DeploymentJson : JsonSerializerContext;
