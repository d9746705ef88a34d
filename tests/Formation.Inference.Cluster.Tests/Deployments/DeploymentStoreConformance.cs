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
        Assert.NotNull(Open().TrySave(Deployment("b"), 0));
        Assert.NotNull(Open().TrySave(Deployment("a"), 0));
        Assert.Equal(["a", "b"], Open().Load().Select(stored => stored.Deployment.ModelId));
        Assert.Equal(DeploymentStore.Text(Deployment("a")), DeploymentStore.Text(Open().Load()[0].Deployment));
    }

    [Fact]
    public void What_is_kept_of_a_model_is_the_last()
    {
        var store = Open();
        var first = store.TrySave(Deployment("a"), 0);
        Assert.NotNull(store.TrySave(Deployment("a") with { Waiting = "for a node" }, first!.Value));
        Assert.Equal("for a node", Assert.Single(Open().Load()).Deployment.Waiting);
        Assert.True(store.Remove("a"));
        Assert.False(store.Remove("a"));
        Assert.Empty(Open().Load());
    }

    [Fact]
    public void A_deployment_is_changed_only_by_who_knows_its_last_version()
    {
        var (here, there) = (Open(), Open());
        var first = here.TrySave(Deployment("a"), 0)!.Value;
        Assert.True(first > 0);
        Assert.Null(there.TrySave(Deployment("a") with { Waiting = "late" }, 0));

        var second = there.TrySave(Deployment("a") with { Waiting = "for a node" }, first)!.Value;
        Assert.True(second > first);
        Assert.Null(here.TrySave(Deployment("a") with { Waiting = "late" }, first));
        Assert.Null(here.TrySave(Deployment("b"), 7));

        var stored = Assert.Single(here.Load());
        Assert.Equal(("for a node", second), (stored.Deployment.Waiting, stored.Version));
    }

    [Fact]
    public async Task A_version_of_a_deployment_that_was_removed_is_none_of_the_one_that_came_after()
    {
        var store = Open();
        var first = store.TrySave(Deployment("a"), 0)!.Value;
        var second = store.TrySave(Deployment("a"), first)!.Value;
        store.Remove("a");
        Assert.Null(store.TrySave(Deployment("a"), second));
        // The clock of the database has to show another millisecond.
        await Task.Delay(20, TestContext.Current.CancellationToken);
        var third = store.TrySave(Deployment("a"), 0)!.Value;
        Assert.True(third > second);
    }

    [Fact]
    public async Task Of_many_who_deploy_a_model_at_once_one_does()
    {
        var versions = await Contention.RunAsync(8, Open, (store, i) => store.TrySave(Deployment("a") with { Waiting = $"{i}" }, 0));
        var winner = Assert.Single(versions, version => version is not null);
        Assert.Equal($"{versions.ToList().IndexOf(winner)}", Open().Load().Single().Deployment.Waiting);
    }

    [Fact]
    public async Task Of_many_who_change_a_deployment_at_once_one_does_and_no_change_is_lost()
    {
        Open().TrySave(Deployment("a") with { Waiting = "0" }, 0);
        var wins = await Contention.RunAsync(6, Open, (store, _) =>
        {
            var won = 0;
            while (won < 5)
            {
                var (known, version) = store.Load().Single();
                if (store.TrySave(known with { Waiting = $"{int.Parse(known.Waiting) + 1}" }, version) is not null)
                    won++;
            }
            return won;
        });
        Assert.Equal($"{wins.Sum()}", Open().Load().Single().Deployment.Waiting);
    }

    public void Dispose() => database.Dispose();

    internal static Deployment Deployment(string model) => new(
        new DeploymentSpec { ModelId = model, Placement = PlacementCases.Request },
        new DeployedModel(new string('a', 64), "/models/model.gguf", Certificates.Now, PlacementCases.Model()),
        Certificates.Now);

    private DeploymentStore Open() => DeploymentStore.Open(database.Open());
}

public sealed class DeploymentStoreOnSqliteTests() : DeploymentStoreConformance(new SqliteTestDatabase())
{
    [Fact]
    public void Deployments_of_a_file_that_knew_no_versions_are_kept_and_have_one()
    {
        using var folder = new TestFolder();
        folder.Database.Execute("CREATE TABLE deployments (model TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID");
        folder.Database.Execute(
            "INSERT INTO deployments (model, body) VALUES ('a', @body)", ("@body", DeploymentStore.Text(Deployment("a"))));

        var store = DeploymentStore.Open(folder.Database);

        var (deployment, version) = Assert.Single(store.Load());
        Assert.Equal(("a", 1), (deployment.ModelId, version));
        Assert.Equal(2, store.TrySave(deployment, version));
    }
}

public sealed class DeploymentStoreOnPostgresTests(PostgresServer server) : DeploymentStoreConformance(server.CreateDatabase());
