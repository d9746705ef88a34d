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

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
