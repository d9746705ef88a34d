using Formation.Inference.Cluster.Deployments;
using Formation.Inference.Cluster.Tests.Fakes;
using Formation.Inference.Cluster.Tests.Placement;
using Formation.Inference.Testing.Databases;

namespace Formation.Inference.Cluster.Tests.Deployments;

/// <summary>What the store of deployments promises, on every engine.</summary>
public abstract class DeploymentStoreConformance(TestDatabase database) : IDisposable
{
    [Fact]
    public void A_deployment_is_found_again_as_it_was_kept()
    {
        Open().Save(Deployment("b"));
        Open().Save(Deployment("a"));
        Assert.Equal(["a", "b"], Open().Load().Select(deployment => deployment.ModelId));
        Assert.Equal(DeploymentStore.Text(Deployment("a")), DeploymentStore.Text(Open().Load()[0]));
    }

    [Fact]
    public void What_is_kept_of_a_model_is_the_last()
    {
        var store = Open();
        store.Save(Deployment("a"));
        store.Save(Deployment("a") with { Waiting = "for a node" });
        Assert.Equal("for a node", Assert.Single(Open().Load()).Waiting);
        store.Remove("a");
        store.Remove("a");
        Assert.Empty(Open().Load());
    }

    public void Dispose() => database.Dispose();

    private static Deployment Deployment(string model) => new(
        new DeploymentSpec { ModelId = model, Placement = PlacementCases.Request },
        new DeployedModel(new string('a', 64), "/models/model.gguf", Certificates.Now, PlacementCases.Model()),
        Certificates.Now);

    private DeploymentStore Open() => DeploymentStore.Open(database.Open());
}

public sealed class DeploymentStoreOnSqliteTests() : DeploymentStoreConformance(new SqliteTestDatabase());

public sealed class DeploymentStoreOnPostgresTests(PostgresServer server) : DeploymentStoreConformance(server.CreateDatabase());
