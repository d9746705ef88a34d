namespace Formation.Inference.Gateway.Tests.Fakes;

/// <summary>One gateway for all tests of a class, for tests that leave no trace in it.</summary>
public sealed class SharedGateway : IAsyncLifetime
{
    internal TestGateway Gateway { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Gateway = await TestGateway.StartAsync();

    public ValueTask DisposeAsync() => Gateway.DisposeAsync();
}
