using Formation.Inference.Testing.Backends;
using Formation.Inference.Testing.Serving;

namespace Formation.Inference.Engine.Tests.Serving;

public sealed class LocalBackendTests : InferenceBackendConformance, IAsyncDisposable
{
    readonly TinyServer _server = new(contextLength: 192);

    protected override IInferenceBackend Backend => _server.Backend;

    protected override string ModelId => TinyServer.ModelId;

    protected override Task BecomesIdleAsync() => Eventually.TrueAsync(async () => (await _server.CheckIntegrityAsync()).HeldBlocks == 0);

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
