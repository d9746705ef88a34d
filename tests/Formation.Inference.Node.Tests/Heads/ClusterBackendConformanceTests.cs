using Formation.Inference.Testing.Backends;
using Formation.Inference.Testing.Serving;

namespace Formation.Inference.Node.Tests.Heads;

/// <summary>A cluster of two heads, asked over TLS for all that a backend promises.</summary>
public sealed class ClusterBackendConformanceTests : InferenceBackendConformance, IAsyncDisposable
{
    readonly TinyServer[] _servers = [new(contextLength: 192), new(contextLength: 192)];
    readonly HeadNetwork _network;

    public ClusterBackendConformanceTests() => _network = new HeadNetwork([.. _servers.Select(server => server.Backend)]);

    protected override IInferenceBackend Backend => _network.Backend;

    protected override string ModelId => HeadNetwork.ModelId;

    protected override Task BecomesIdleAsync() => Eventually.TrueAsync(async () =>
        _network.Heads.Sum(head => head.Server.RunningRequests) == 0
        && _network.Heads.Sum(head => _network.Backend.RequestsInFlight(head.Replica.Id)) == 0
        && (await Task.WhenAll(_servers.Select(server => server.CheckIntegrityAsync()))).Sum(statistics => statistics.HeldBlocks) == 0);

    public async ValueTask DisposeAsync()
    {
        await _network.DisposeAsync();
        foreach (var server in _servers)
            await server.DisposeAsync();
    }
}
