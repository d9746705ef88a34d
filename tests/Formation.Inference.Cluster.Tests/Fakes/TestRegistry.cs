using System.Security.Cryptography;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control.Wire;
using Formation.Inference.Cluster.Nodes.Storage;
using Microsoft.Extensions.Time.Testing;
using WorkerOrder = Formation.Inference.Cluster.Workers.WorkerOrder;

namespace Formation.Inference.Cluster.Tests.Fakes;

/// <summary>A registry over a database of its own, with a clock that stands still until a test moves it.</summary>
sealed class TestRegistry : IDisposable
{
    private readonly TestFolder _folder = new();

    public TestRegistry()
    {
        Store = NodeStore.Open(_folder.Database);
        Registry = Open();
    }

    public static KeyPin GatewayPin { get; } = Pin("gateway");

    public FakeTimeProvider Clock { get; } = new(Certificates.Now);

    public NodeStore Store { get; }

    public NodeRegistry Registry { get; private set; }

    public static KeyPin Pin(string key) => KeyPin.FromBytes(SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(key)));

    public static NodeReport Report(string name, params string[] addresses) => new()
    {
        Name = name,
        Region = "home",
        Version = "0.1.0",
        Devices = [new DeviceReport("a processor", "avx2", 2, 1e10, 1e11)],
        MemoryBytes = 8L << 30,
        FreeMemoryBytes = 6L << 30,
        Addresses = addresses,
    };

    /// <summary>The same gateway after a restart: what is on disk, and nothing else.</summary>
    public void Restart()
    {
        Registry.Dispose();
        Registry = Open();
    }

    public string Token(TimeSpan? lifetime = null, AdmissionTerms? terms = null) =>
        Registry.Invite(terms ?? AdmissionTerms.Default, lifetime ?? TimeSpan.FromHours(1)).Token.Text.Value;

    /// <summary>Admits a node whose key is made from its name.</summary>
    public NodeRecord Admit(string name)
    {
        Assert.True(Registry.TryAdmit(Token(), Pin(name), Report(name), out var record, out _));
        return record;
    }

    public Refusal Refused(string token, string key, string name)
    {
        Assert.False(Registry.TryAdmit(token, Pin(key), Report(name), out _, out var refusal));
        return refusal;
    }

    /// <summary>Registers an admitted node.</summary>
    public NodeConnection Connect(string name, params string[] addresses)
    {
        var connection = new NodeConnection(Pin(name), "10.0.0.9:4711");
        Assert.Null(Registry.Register(connection, Report(name, addresses)));
        return connection;
    }

    /// <summary>Why the registry closed a connection; null where it did not.</summary>
    public static RefusalReason? CloseReason(NodeConnection connection) => connection.Closed.IsCompletedSuccessfully ? connection.Closed.Result.Reason : null;

    /// <summary>What waits for a node; null stands for its peers.</summary>
    public static async Task<IReadOnlyList<GatewayMessage?>> SentAsync(NodeConnection connection)
    {
        connection.Close(new Refusal(RefusalReason.Other, "the test looks"));
        var messages = new List<GatewayMessage?>();
        await foreach (var message in connection.OutgoingAsync())
            messages.Add(message);
        return messages;
    }

    public void Dispose()
    {
        Registry.Dispose();
        _folder.Dispose();
    }

    // A gateway that decides, as one alone does.
    private NodeRegistry Open()
    {
        var registry = new NodeRegistry(Store, [new KnownGateway(GatewayPin, ["https://10.0.0.1:8081"])], new NodeRegistryOptions(), Clock);
        registry.Order(0, Array.Empty<WorkerOrder>().ToLookup(_ => ""));
        return registry;
    }
}
