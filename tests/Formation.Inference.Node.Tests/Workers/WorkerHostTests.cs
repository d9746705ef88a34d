using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Workers;
using Formation.Inference.Testing;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Node.Tests.Workers;

/// <summary>Workers with a real model, real keys and real connections; only their processes are this one.</summary>
public sealed class WorkerHostTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly string _path;

    public WorkerHostTests()
    {
        _path = _directory.File("model.gguf");
        TinyModel.Build(_path, new TinyModelOptions { LayerCount = 4 });
    }

    [Fact]
    public async Task A_head_is_ready_when_stages_of_all_other_layers_are()
    {
        await using var head = new HostedWorker(HostedWorker.Head(new LayerSpan(0, 1)), _path);
        await using var first = new HostedWorker(HostedWorker.Stage(new LayerSpan(1, 2)), _path);
        await Eventually.TrueAsync(() => first.Report.State == WorkerState.Ready && head.Report.State == WorkerState.Waiting);
        HostedWorker.Introduce(head, first);

        await using var second = new HostedWorker(HostedWorker.Stage(new LayerSpan(3, 1)), _path);
        await Eventually.TrueAsync(() => second.Report.State == WorkerState.Ready);
        Assert.Equal(WorkerState.Waiting, head.Report.State);
        HostedWorker.Introduce(head, first, second);

        await Eventually.TrueAsync(() => head.Report.State == WorkerState.Ready);
        Assert.Equal([first.Order.Id, second.Order.Id], head.Report.Chain);
    }

    [Fact]
    public async Task A_head_with_all_layers_is_ready_without_any_stage()
    {
        await using var head = new HostedWorker(HostedWorker.Head(new LayerSpan(0, 4)), _path);

        await Eventually.TrueAsync(() => head.Report.State is WorkerState.Ready or WorkerState.Failed);

        Assert.Equal(WorkerState.Ready, head.Report.State);
        Assert.Empty(head.Report.Chain);
    }

    [Fact]
    public async Task A_stage_lets_nobody_in_whom_its_order_does_not_name()
    {
        await using var head = new HostedWorker(HostedWorker.Head(new LayerSpan(0, 1)), _path);
        await using var stage = new HostedWorker(HostedWorker.Stage(new LayerSpan(1, 3)), _path);
        await Eventually.TrueAsync(() => stage.Report.State == WorkerState.Ready && head.Report.State == WorkerState.Waiting);

        // The head is told of the stage, and the stage of no head.
        head.Say(head.Order with { Chain = [stage.Endpoint] });

        await Eventually.TrueAsync(() => head.Report.Lost.Count == 1);
        Assert.Equal(stage.Order.Id, head.Report.Lost[0].Id);
        Assert.Equal(WorkerState.Ready, stage.Report.State);

        HostedWorker.Introduce(head, stage);
        await Eventually.TrueAsync(() => head.Report.State == WorkerState.Ready && head.Report.Lost.Count == 0);
    }

    [Fact]
    public async Task A_standby_is_ready_at_once_and_becomes_what_its_next_order_says()
    {
        var order = WorkerOrders.Stage() with { Role = WorkerRole.Standby, Layers = default };
        await using var standby = new HostedWorker(order, _path);
        await Eventually.TrueAsync(() => standby.Report.State == WorkerState.Ready);
        Assert.Equal(0, standby.Last.Port);
        var pin = standby.Report.Pin;

        standby.Say(order with { Role = WorkerRole.Stage, Layers = new LayerSpan(1, 3) });

        await Eventually.TrueAsync(() => standby.Report.State == WorkerState.Ready && standby.Last.Port > 0);
        Assert.Equal(pin, standby.Report.Pin);
    }

    [Fact]
    public async Task Each_worker_has_a_key_of_its_own()
    {
        await using var first = new HostedWorker(HostedWorker.Stage(new LayerSpan(1, 1)), _path);
        await using var second = new HostedWorker(HostedWorker.Stage(new LayerSpan(1, 1)), _path);
        await Eventually.TrueAsync(() => first.Report.State == WorkerState.Ready && second.Report.State == WorkerState.Ready);

        Assert.NotEqual(first.Report.Pin, second.Report.Pin);
    }

    [Fact]
    public async Task A_head_whose_stage_is_gone_says_so_at_once_although_nobody_asks_it_for_anything()
    {
        await using var head = new HostedWorker(HostedWorker.Head(new LayerSpan(0, 1)), _path);
        var stage = new HostedWorker(HostedWorker.Stage(new LayerSpan(1, 3)), _path);
        await Eventually.TrueAsync(() => stage.Report.State == WorkerState.Ready && head.Report.State == WorkerState.Waiting);
        HostedWorker.Introduce(head, stage);
        await Eventually.TrueAsync(() => head.Report.State == WorkerState.Ready);

        await stage.EndAsync();

        await Eventually.TrueAsync(() => head.Report.Chain.Count == 0);
    }

    [Fact]
    public async Task A_damaged_model_is_told_of_and_ends_the_worker()
    {
        var path = _directory.File("damaged.gguf");
        File.WriteAllBytes(path, File.ReadAllBytes(_path)[..200]);
        await using var stage = new HostedWorker(HostedWorker.Stage(new LayerSpan(1, 1)), path);

        await Eventually.TrueAsync(() => stage.Report.State == WorkerState.Failed);

        Assert.Equal(1, await stage.EndAsync());
        Assert.NotEqual("", stage.Report.Reason);
    }

    [Fact]
    public async Task Layers_that_the_model_does_not_have_are_told_of()
    {
        await using var stage = new HostedWorker(HostedWorker.Stage(new LayerSpan(3, 7)), _path);

        await Eventually.TrueAsync(() => stage.Report.State == WorkerState.Failed);

        Assert.Contains("0-3", stage.Report.Reason, StringComparison.Ordinal);
    }

    [Theory, InlineData(WorkerRole.Head), InlineData(WorkerRole.Stage), InlineData(WorkerRole.Standby)]
    public async Task It_ends_with_its_input_whatever_it_does(WorkerRole role)
    {
        var order = HostedWorker.Stage(role == WorkerRole.Standby ? default : new LayerSpan(0, 2)) with { Role = role };
        await using var worker = new HostedWorker(order, _path);
        await Eventually.TrueAsync(() => worker.Report.State is WorkerState.Ready or WorkerState.Waiting);

        Assert.Equal(0, await worker.EndAsync());
    }

    public void Dispose() => _directory.Dispose();
}
