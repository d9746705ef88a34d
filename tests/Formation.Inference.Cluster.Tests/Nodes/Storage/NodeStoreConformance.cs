using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Storage;
using Formation.Inference.Cluster.Tests.Fakes;
using Formation.Inference.Testing.Databases;

namespace Formation.Inference.Cluster.Tests.Nodes.Storage;

/// <summary>What the store of nodes promises, on every engine.</summary>
public abstract class NodeStoreConformance(TestDatabase database) : IDisposable
{
    private static readonly DateTimeOffset Now = Certificates.Now;

    [Fact]
    public void A_node_is_found_again_as_it_was_admitted()
    {
        var node = Node("a") with
        {
            Region = "home",
            Labels = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["place"] = "cellar", ["rack"] = "1" },
            IsTrusted = true,
        };
        Assert.True(Open().AdmitOwn(node));
        AssertSame(node, Assert.Single(Open().Nodes()));
    }

    [Fact]
    public void Nodes_come_ordered_by_name()
    {
        var store = Open();
        foreach (var name in new[] { "b", "B", "a-1", "a" })
            Assert.True(store.AdmitOwn(Node(name)));
        Assert.Equal(["B", "a", "a-1", "b"], store.Nodes().Select(node => node.Name));
    }

    [Fact]
    public void A_name_is_one_nodes_until_that_is_removed()
    {
        var store = Open();
        Assert.True(store.AdmitOwn(Node("a")));
        Assert.False(store.AdmitOwn(Node("a", key: "another")));

        store.Remove(TestRegistry.Pin("a"), Now);

        Assert.True(store.AdmitOwn(Node("a", key: "another")));
        Assert.Equal(2, store.Nodes().Count);
        Assert.Equal(Now, store.Nodes().Single(node => node.Pin == TestRegistry.Pin("a")).Removed);
    }

    [Fact]
    public void A_node_that_is_admitted_again_drains_no_more_and_is_removed_no_more()
    {
        var store = Open();
        store.AdmitOwn(Node("a"));
        store.SetDraining(TestRegistry.Pin("a"), true);
        Assert.True(store.Nodes().Single().IsDraining);
        store.Remove(TestRegistry.Pin("a"), Now);

        Assert.True(store.AdmitOwn(Node("a") with { Name = "b" }));

        AssertSame(Node("a") with { Name = "b" }, store.Nodes().Single());
    }

    [Fact]
    public void A_token_is_found_as_it_was_kept_and_forgotten_when_it_is_old()
    {
        var store = Open();
        var token = Token("first") with { Terms = new AdmissionTerms("home", new Dictionary<string, string> { ["rack"] = "1" }, true) };
        store.Add(token, Now);

        var found = Open().FindToken("first")!;
        Assert.Equal(token.Hash, found.Hash);
        Assert.Equal((token.Expires, null), (found.Expires, found.UsedBy));
        Assert.Equal(("home", true, "1"), (found.Terms.Region, found.Terms.IsTrusted, found.Terms.Labels["rack"]));
        Assert.Null(store.FindToken("second"));

        store.Add(Token("second"), forgetBefore: token.Expires.AddTicks(1));
        Assert.Null(store.FindToken("first"));
    }

    [Fact]
    public void A_token_whose_node_has_a_taken_name_is_not_spent()
    {
        var store = Open();
        store.AdmitOwn(Node("a"));
        store.Add(Token("t"), Now);

        Assert.False(store.Admit("t", Node("a", key: "another")));
        Assert.Null(store.FindToken("t")!.UsedBy);

        Assert.True(store.Admit("t", Node("b", key: "another")));
        Assert.Equal(TestRegistry.Pin("another"), store.FindToken("t")!.UsedBy);
        Assert.False(store.Admit("t", Node("c")));
        Assert.False(store.Admit("no such token", Node("c")));
    }

    [Fact]
    public async Task Of_many_gateways_that_spend_a_token_one_does()
    {
        Open().Add(Token("t"), Now);
        var won = await Contention.RunAsync(8, () => Open(), (store, i) => store.Admit("t", Node($"n{i}")));
        Assert.Single(won, true);
        Assert.Single(Open().Nodes());
    }

    [Fact]
    public async Task Of_many_gateways_that_give_away_a_name_one_does()
    {
        var won = await Contention.RunAsync(8, () => Open(), (store, i) => store.AdmitOwn(Node("same", key: $"n{i}")));
        Assert.Single(won, true);
        Assert.Single(Open().Nodes());
    }

    public void Dispose() => database.Dispose();

    private static NodeRecord Node(string name, string? key = null) =>
        new(TestRegistry.Pin(key ?? name), name, "", new SortedDictionary<string, string>(StringComparer.Ordinal), false, Now);

    private static StoredToken Token(string id) => new(id, [1, 2, 3], AdmissionTerms.Default, Now.AddHours(1), UsedBy: null);

    private static void AssertSame(NodeRecord expected, NodeRecord actual)
    {
        Assert.Equal(expected.Labels, actual.Labels);
        Assert.Equal(expected with { Labels = actual.Labels }, actual);
    }

    private NodeStore Open() => NodeStore.Open(database.Open());
}

public sealed class NodeStoreOnSqliteTests() : NodeStoreConformance(new SqliteTestDatabase());

public sealed class NodeStoreOnPostgresTests(PostgresServer server) : NodeStoreConformance(server.CreateDatabase());
