using Formation.Inference.Cluster.Deployments;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Tests.Deployments;

/// <summary>Deployments of which the first layers are shared by nodes of one site, and another node has the rest.</summary>
public sealed class GroupInChainTests
{
    private static readonly string[] Site = ["a", "b", "e", "f"];

    private readonly InventedCluster _cluster = new();

    public GroupInChainTests()
    {
        // Two of these share what they can of 8 layers of 64 MiB and ends of 64 MiB; the other node has room for the rest, and is of no site.
        _cluster.Add("a", 260, near: Site);
        _cluster.Add("b", 260, near: Site);
        _cluster.Add("c", 400);
        _cluster.Ask(request => request with { GroupSize = 2, Runtime = new RuntimeAbilities { TensorParallel = true } });
        _cluster.Step();
        _cluster.BeReady();
    }

    private WorkerAssignment Head => _cluster.Replica.Workers.Single(worker => worker.Role == WorkerRole.Head);

    private WorkerAssignment Member => _cluster.Replica.Workers.Single(worker => worker.Role == WorkerRole.Member);

    private WorkerAssignment Stage => _cluster.Replica.Workers.Single(worker => worker.Role == WorkerRole.Stage);

    [Fact]
    public void The_group_has_the_first_layers_and_a_stage_alone_has_the_others()
    {
        Assert.Equal((0, 2, Head.Layers), (Head.Rank, Head.Members, Member.Layers));
        Assert.Equal((0, 1, "c"), (Stage.Rank, Stage.Members, Stage.Node));
        Assert.Equal((0, Head.Layers.End, 8), (Head.Layers.First, Stage.Layers.First, Stage.Layers.End));
    }

    [Fact]
    public void The_head_is_told_of_its_member_and_of_the_stage_behind_it()
    {
        var orders = OrderBook.Write([_cluster.Deployment], _cluster.View, []);

        Assert.Equal([(Member.Id, 1), (Stage.Id, 0)], Assert.Single(orders[Head.Node]).Chain.Select(endpoint => (endpoint.Id, endpoint.Rank)));
        Assert.Equal(_cluster.View.ReportOf(Head)!.Pin, Assert.Single(Assert.Single(orders["c"]).Heads));
    }

    [Fact]
    public void A_lost_stage_goes_to_whoever_has_room_and_the_group_stays()
    {
        _cluster.Add("d", 400);
        var (head, member, stage) = (Head, Member, Stage);

        _cluster.Become("c", NodeState.Stopped);
        _cluster.Step();

        Assert.Equal((head, member), (Head, Member));
        Assert.Equal(("d", stage.Layers), (Stage.Node, Stage.Layers));
    }

    [Fact]
    public void A_lost_member_goes_to_a_node_of_the_members_site_whatever_is_nearer_to_the_stage()
    {
        _cluster.Add("d", 2000, gigabytes: 200);
        _cluster.Add("e", 260, near: Site);
        var (head, stage) = (Head, Stage);

        _cluster.Become(Member.Node, NodeState.Stopped);
        _cluster.Step();

        Assert.Equal((head, stage), (Head, Stage));
        Assert.Equal(("e", 1, 2), (Member.Node, Member.Rank, Member.Members));
    }

    [Theory]
    [InlineData(WorkerRole.Head)]
    [InlineData(WorkerRole.Member)]
    public void A_lost_one_of_the_group_waits_for_a_node_that_just_came_until_its_ways_are_measured(WorkerRole role)
    {
        _cluster.Add("d", 2000);
        _cluster.Add("g", 260);
        var (lost, stage) = (role == WorkerRole.Head ? Head : Member, Stage);

        _cluster.Become(lost.Node, NodeState.Stopped);
        _cluster.Step();
        Assert.Contains("the ways between d, g and the nodes", _cluster.Deployment.Waiting);
        Assert.Contains(lost, _cluster.Replica.Workers);

        _cluster.Now += TimeSpan.FromSeconds(5);
        _cluster.Add("g", 260, near: Site);
        _cluster.Step();
        var successor = role == WorkerRole.Head ? Head : Member;
        Assert.Equal(("g", lost.Layers, lost.Rank), (successor.Node, successor.Layers, successor.Rank));
        Assert.Equal(stage, Stage);
        Assert.Empty(_cluster.Deployment.Waiting);
    }

    [Fact]
    public void A_group_that_can_not_be_made_whole_in_time_is_placed_anew()
    {
        _cluster.Add("g", 260);
        _cluster.Add("h", 260, near: ["g"]);
        var lost = Member;
        _cluster.Become(lost.Node, NodeState.Stopped);
        _cluster.Step();
        Assert.Empty(_cluster.NotesOf("placed-anew"));

        _cluster.Now += _cluster.Options.Measuring + TimeSpan.FromSeconds(1);
        _cluster.Step();

        Assert.Single(_cluster.NotesOf("placed-anew"));
        Assert.Equal(["g", "h"], _cluster.Replica.Workers.Where(worker => worker.Members > 1).Select(worker => worker.Node).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_member_and_the_stage_on_drained_nodes_move_at_the_same_time()
    {
        _cluster.Add("d", 400);
        _cluster.Add("e", 260, near: Site);
        var (member, stage) = (Member, Stage);

        _cluster.Drain(member.Node);
        _cluster.Drain(stage.Node);
        _cluster.Step();

        Assert.Equal("e", _cluster.Replica.Workers.Single(worker => worker.Replaces == member.Id).Node);
        Assert.Equal("d", _cluster.Replica.Workers.Single(worker => worker.Replaces == stage.Id).Node);
    }

    [Fact]
    public void Two_of_the_group_on_drained_nodes_move_at_the_same_time()
    {
        _cluster.Add("e", 260, near: Site);
        _cluster.Add("f", 260, near: Site);
        var (head, member) = (Head, Member);

        _cluster.Drain(head.Node);
        _cluster.Drain(member.Node);
        _cluster.Step();

        Assert.Equal(["e", "f"], _cluster.Replica.Workers.Where(worker => worker.Replaces is not null).Select(worker => worker.Node).Order(StringComparer.Ordinal));
    }
}
