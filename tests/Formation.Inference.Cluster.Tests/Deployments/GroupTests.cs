using Formation.Inference.Cluster.Deployments;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Tests.Deployments;

/// <summary>Deployments whose layers are shared by nodes of one site.</summary>
public sealed class GroupTests
{
    private readonly InventedCluster _cluster = new();

    public GroupTests()
    {
        string[] site = ["a", "b", "c"];
        foreach (var name in site)
            _cluster.Add(name, 2000, near: site);
        _cluster.Ask(request => request with { GroupSize = 2, Runtime = new RuntimeAbilities { TensorParallel = true } });
        _cluster.Step();
        _cluster.BeReady();
    }

    private WorkerAssignment Head => _cluster.Replica.Workers.Single(worker => worker.Role == WorkerRole.Head);

    private WorkerAssignment Member => _cluster.Replica.Workers.Single(worker => worker.Role == WorkerRole.Member);

    [Fact]
    public void A_group_is_a_head_and_members_with_all_layers_each()
    {
        Assert.Equal((0, 2), (Head.Rank, Head.Members));
        Assert.Equal((1, 2), (Member.Rank, Member.Members));
        Assert.Equal(Head.Layers, Member.Layers);
        Assert.NotEqual(Head.Node, Member.Node);
    }

    [Fact]
    public void The_head_is_told_where_its_members_are_and_they_follow_nobody_else()
    {
        var orders = OrderBook.Write([_cluster.Deployment], _cluster.View, []);

        var head = Assert.Single(orders[Head.Node]);
        var endpoint = Assert.Single(head.Chain);
        Assert.Equal((Member.Id, 1), (endpoint.Id, endpoint.Rank));
        Assert.Equal((0, 2), (head.Rank, head.Members));
        var member = Assert.Single(orders[Member.Node]);
        Assert.Equal((1, 2), (member.Rank, member.Members));
        Assert.Equal(_cluster.View.ReportOf(Head)!.Pin, Assert.Single(member.Heads));
    }

    [Fact]
    public void A_member_whose_process_ended_is_started_again_where_it_was()
    {
        var (head, before) = (Head, Member);

        _cluster.Say(before, WorkerState.Failed);
        _cluster.Step();

        Assert.Equal(head, Head);
        Assert.NotEqual(before.Id, Member.Id);
        Assert.Equal(before with { Id = Member.Id }, Member);
    }

    [Fact]
    public void A_node_of_the_site_takes_a_lost_members_place()
    {
        var (head, before) = (Head, Member);

        _cluster.Become(before.Node, NodeState.Stopped);
        _cluster.Step();

        Assert.Equal(head, Head);
        Assert.Equal("c", Member.Node);
        Assert.Equal(before with { Id = Member.Id, Node = "c" }, Member);
    }

    [Fact]
    public void A_node_of_the_site_takes_a_lost_heads_place_and_leads_the_same_members()
    {
        var (before, member) = (Head, Member);

        _cluster.Become(before.Node, NodeState.Stopped);
        _cluster.Step();

        Assert.Equal(member, Member);
        Assert.Equal(before with { Id = Head.Id, Node = "c" }, Head);
    }

    [Fact]
    public void Where_nobody_of_the_site_is_left_the_group_waits_for_one_and_says_so()
    {
        _cluster.Remove("c");
        var lost = Member.Node;
        _cluster.Become(lost, NodeState.Stopped);

        _cluster.Step();

        Assert.Contains("near enough", _cluster.Deployment.Waiting, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_drained_node_has_goes_to_another_one_of_the_site_before_it_ends()
    {
        var before = Member;

        _cluster.Drain(before.Node);
        _cluster.Step();

        var successor = _cluster.Replica.Workers.Single(worker => worker.Replaces == before.Id);
        Assert.Equal("c", successor.Node);
        Assert.Equal((WorkerRole.Member, 1, 2), (successor.Role, successor.Rank, successor.Members));
        Assert.Contains(before, _cluster.Replica.Workers);
    }
}
