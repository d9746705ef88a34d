using Formation.Inference.Cluster.Deployments;
using Formation.Inference.Cluster.Gateways;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Storage;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Tests.Fakes;
using Formation.Inference.Storage;
using Formation.Inference.Storage.Engines;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Cluster.Tests.Gateways;

/// <summary>Two gateways on one database, and a clock that stands still until a test moves it.</summary>
sealed class TwoGateways : IAsyncDisposable
{
    private readonly TestFolder _folder = new();
    private readonly Database _database;

    public TwoGateways()
    {
        _database = SqliteDatabase.Open(Path.Combine(_folder.Path, "cluster.db"), Clock);
        (One, Two) = (new Gateway(_database, "one", Clock), new Gateway(_database, "two", Clock));
    }

    public FakeTimeProvider Clock { get; } = new(Certificates.Now);

    public Gateway One { get; }

    public Gateway Two { get; }

    /// <summary>Makes one gateway decide, in a term of its own.</summary>
    public void Lead(Gateway leader, long term)
    {
        foreach (var gateway in (Gateway[])[One, Two])
            gateway.Leadership.Become(gateway == leader ? term : null);
    }

    /// <summary>Makes the database answer nothing about nodes any more.</summary>
    public void BreakDatabase() => _database.Execute("DROP TABLE nodes");

    public async ValueTask DisposeAsync()
    {
        await One.Controller.DisposeAsync();
        await Two.Controller.DisposeAsync();
        One.Registry.Dispose();
        Two.Registry.Dispose();
        _database.Dispose();
        _folder.Dispose();
    }

    internal sealed class Gateway
    {
        public Gateway(Database database, string name, TimeProvider clock)
        {
            Registry = new NodeRegistry(
                NodeStore.Open(database), [new KnownGateway(TestRegistry.Pin(name), [])], new NodeRegistryOptions { IsShared = true }, clock);
            Decisions = DecisionLog.Open(database);
            Controller = new DeploymentController(
                Registry, DeploymentStore.Open(database), Leadership, Decisions, new FastestPlacement(), new ReconcilerOptions(), clock);
        }

        public NodeRegistry Registry { get; }

        public DecisionLog Decisions { get; }

        public DeploymentController Controller { get; }

        public SetLeadership Leadership { get; } = new();

        /// <summary>Admits a node whose key is made from its name.</summary>
        public void Admit(string name)
        {
            var token = Registry.Invite(AdmissionTerms.Default, TimeSpan.FromHours(1)).Token.Text.Value;
            Assert.True(Registry.TryAdmit(token, TestRegistry.Pin(name), TestRegistry.Report(name), out _, out _));
        }

        /// <summary>Registers an admitted node.</summary>
        public NodeConnection Connect(string name)
        {
            var connection = new NodeConnection(TestRegistry.Pin(name), "10.0.0.9:4711");
            Assert.Null(Registry.Register(connection, TestRegistry.Report(name)));
            return connection;
        }
    }

    /// <summary>Leadership that a test hands out.</summary>
    internal sealed class SetLeadership : ILeadership
    {
        public event Action? Changed;

        public long? Term { get; private set; }

        public KeyPin? Leader => null;

        public void Become(long? term)
        {
            Term = term;
            Changed?.Invoke();
        }
    }
}
