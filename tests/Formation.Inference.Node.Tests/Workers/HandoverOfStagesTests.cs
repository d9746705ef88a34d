using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Workers;
using Formation.Inference.Testing;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Node.Tests.Workers;

/// <summary>A stage that is to go while nobody asks its head for anything, and one that takes its place.</summary>
public sealed class HandoverOfStagesTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly string _path;

    public HandoverOfStagesTests()
    {
        _path = _directory.File("model.gguf");
        TinyModel.Build(_path, new TinyModelOptions { LayerCount = 4 });
    }

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stage_is_let_go_whether_it_or_its_head_is_told_first(bool isStageFirst)
    {
        await using var old = await StageAsync();
        await using var head = await HeadAsync();
        await WholeAsync(head, [old], old);
        await using var successor = await StageAsync();
        HostedWorker.Introduce(head, old, successor);

        if (isStageFirst)
            old.Say(old.Order with { IsLeaving = true });
        else
            head.Say(head.Order with { Chain = [successor.Endpoint] });

        await Eventually.TrueAsync(() => head.Report.Chain.SequenceEqual([successor.Order.Id]));
        Assert.Empty(head.Report.Lost);
    }

    [Fact]
    public async Task A_stage_that_is_told_before_its_head_knows_of_a_successor_is_let_go_when_it_does()
    {
        await using var old = await StageAsync();
        await using var head = await HeadAsync();
        await WholeAsync(head, [old], old);

        old.Say(old.Order with { IsLeaving = true });
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.Equal((WorkerState.Ready, old.Order.Id), (head.Report.State, Assert.Single(head.Report.Chain)));

        await using var successor = await StageAsync();
        HostedWorker.Introduce(head, successor);
        await Eventually.TrueAsync(() => head.Report.Chain.SequenceEqual([successor.Order.Id]));
        Assert.Empty(head.Report.Lost);
    }

    [Fact]
    public async Task A_head_that_came_after_a_stage_was_told_to_go_lets_it_go_as_well()
    {
        await using var old = await StageAsync();
        old.Say(old.Order with { IsLeaving = true });
        await using var head = await HeadAsync();
        await WholeAsync(head, [old], old);

        await using var successor = await StageAsync();
        HostedWorker.Introduce(head, old, successor);
        head.Say(head.Order with { Chain = [successor.Endpoint] });

        await Eventually.TrueAsync(() => head.Report.Chain.SequenceEqual([successor.Order.Id]));
    }

    [Fact]
    public async Task A_stage_stays_in_use_until_a_successor_can_be_used()
    {
        await using var old = await StageAsync();
        await using var head = await HeadAsync();
        await WholeAsync(head, [old], old);
        await using var closed = await StageAsync();
        await using var successor = await StageAsync();

        // This one is told of no head, and lets none in.
        old.Say(old.Order with { IsLeaving = true });
        head.Say(head.Order with { Chain = [closed.Endpoint] });
        await Eventually.TrueAsync(() => head.Report.Lost.Any(lost => lost.Id == closed.Order.Id));
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.Equal((WorkerState.Ready, old.Order.Id), (head.Report.State, Assert.Single(head.Report.Chain)));
        Assert.Equal(closed.Order.Id, Assert.Single(head.Report.Lost).Id);

        HostedWorker.Introduce(head, successor);

        await Eventually.TrueAsync(() => head.Report.Chain.SequenceEqual([successor.Order.Id]));
        await Eventually.TrueAsync(() => head.Report.Lost.Count == 0);
    }

    private static async Task WholeAsync(HostedWorker head, HostedWorker[] introduced, HostedWorker used)
    {
        HostedWorker.Introduce(head, introduced);
        await Eventually.TrueAsync(() => head.Report.State == WorkerState.Ready && head.Report.Chain.SequenceEqual([used.Order.Id]));
    }

    private Task<HostedWorker> HeadAsync() => StartAsync(HostedWorker.Head(new LayerSpan(0, 1)), WorkerState.Waiting);

    private Task<HostedWorker> StageAsync() => StartAsync(HostedWorker.Stage(new LayerSpan(1, 3)), WorkerState.Ready);

    private async Task<HostedWorker> StartAsync(WorkerOrder order, WorkerState state)
    {
        var worker = new HostedWorker(order, _path);
        await Eventually.TrueAsync(() => worker.Report.State == state);
        return worker;
    }
}
