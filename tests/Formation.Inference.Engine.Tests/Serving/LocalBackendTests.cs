using System.Diagnostics.Metrics;
using Formation.Inference.Testing.Backends;
using Formation.Inference.Testing.Serving;

namespace Formation.Inference.Engine.Tests.Serving;

public sealed class LocalBackendTests : InferenceBackendConformance, IAsyncDisposable
{
    readonly TinyServer _server = new(contextLength: 192);

    protected override IInferenceBackend Backend => _server.Backend;

    protected override string ModelId => TinyServer.ModelId;

    protected override Task BecomesIdleAsync() => Eventually.TrueAsync(async () => (await _server.CheckIntegrityAsync()).HeldBlocks == 0);

    [Fact]
    public async Task A_prompt_that_is_only_counted_never_reaches_the_engine()
    {
        long accepted = 0;
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter == _server.Metrics.Meter && instrument.Name == "formation.prompt_tokens")
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, _, _) => Interlocked.Add(ref accepted, value));
        listener.Start();

        var counted = await _server.RunAsync(Request() with { Choices = 0 }, TestContext.Current.CancellationToken);
        Assert.Equal(0, Interlocked.Read(ref accepted));
        await _server.RunAsync(Request(1), TestContext.Current.CancellationToken);
        Assert.Equal(counted.PromptTokens, Interlocked.Read(ref accepted));
    }

    [Fact]
    public async Task What_only_replicas_on_nodes_can_be_is_refused_by_name()
    {
        foreach (var (required, part) in new (RoutingRequirements, string)[] { (new() { Region = "eu" }, "Routing.Region"), (new() { MinReplicas = 2 }, "Routing.MinReplicas") })
        {
            var events = await _server.Backend.GenerateAsync(Request(1) with { Routing = required }, TestContext.Current.CancellationToken)
                .ToListAsync(TestContext.Current.CancellationToken);
            Assert.Equal(part, Assert.IsType<GenerationFailed>(Assert.Single(events)).Error.Parameter);
        }

        Assert.NotNull(await _server.RunAsync(
            Request(1) with { Routing = new() { MaxRoundTrip = TimeSpan.FromMilliseconds(1) } }, TestContext.Current.CancellationToken));
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
