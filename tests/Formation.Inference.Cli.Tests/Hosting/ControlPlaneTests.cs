using System.Security.Authentication;
using Formation.Inference.Cli.Tests.Fakes;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Cli.Tests.Hosting;

/// <summary>
/// A gateway and nodes over real TLS on loopback: who is let in, who is cut, and what each is told (number 19 of the security tests). The clock
/// stands still until a test moves it.
/// </summary>
public sealed class ControlPlaneTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 23, 6, 0, 0, TimeSpan.Zero));
    private TestControlPlane _gateway = null!;
    private RawNode _node = null!;

    public async ValueTask InitializeAsync()
    {
        _gateway = await TestControlPlane.StartAsync(_clock);
        _node = new RawNode(_gateway, _clock);
    }

    public async ValueTask DisposeAsync()
    {
        _node.Dispose();
        await _gateway.DisposeAsync();
    }

    [Fact]
    public async Task A_token_lets_a_node_in_and_its_certificate_from_then_on()
    {
        var answer = await _node.JoinAsync(_gateway.Token(), "a");
        Assert.Equal("a", answer.Name);
        using var call = await _node.RegisterAsync("a");
        var node = _gateway.Registry.Find(_node.Identity.Pin)!;
        Assert.Equal(NodeState.Online, node.State);
        Assert.StartsWith("connected from 127.0.0.1:", node.Reason);
    }

    [Fact]
    public async Task A_replayed_token_is_refused()
    {
        var token = _gateway.Token();
        await _node.JoinAsync(token, "a");
        using var thief = new RawNode(_gateway, _clock);
        Assert.Equal(RefusalReason.TokenUsed, (await RawNode.RefusalOfAsync(thief.JoinAsync(token, "b"))).Reason);
        Assert.Single(_gateway.Registry.List());
    }

    [Fact]
    public async Task An_expired_token_is_refused()
    {
        var token = _gateway.Token(TimeSpan.FromMinutes(1));
        _clock.Advance(TimeSpan.FromMinutes(1));
        var refusal = await RawNode.RefusalOfAsync(_node.JoinAsync(token, "a"));
        Assert.Equal(RefusalReason.TokenExpired, refusal.Reason);
        Assert.Contains("form node token create", refusal.Message);
    }

    [Fact]
    public async Task A_certificate_that_was_never_admitted_is_refused()
    {
        using var call = await _node.ConnectAsync(ControlMessages.Register(RawNode.Report("a")));
        Assert.Equal(RefusalReason.UnknownCertificate, (await RawNode.EndOfAsync(call)).Reason);
    }

    [Fact]
    public async Task The_right_certificate_with_the_wrong_name_is_refused()
    {
        using var other = new RawNode(_gateway, _clock);
        await _node.JoinAsync(_gateway.Token(), "a");
        await other.JoinAsync(_gateway.Token(), "b");
        using var call = await other.ConnectAsync(ControlMessages.Register(RawNode.Report("a")));
        Assert.Equal(RefusalReason.WrongName, (await RawNode.EndOfAsync(call)).Reason);
        Assert.Equal(NodeState.Away, _gateway.Registry.Find("a")!.State);
    }

    [Fact]
    public async Task Tls_1_2_is_refused()
    {
#pragma warning disable CA5398, SYSLIB0039 // The version is what is refused.
        using var old = new RawNode(_gateway, _clock, tls => tls.EnabledSslProtocols = SslProtocols.Tls12);
#pragma warning restore CA5398, SYSLIB0039
        var error = await Assert.ThrowsAsync<RpcException>(() => old.JoinAsync(_gateway.Token(), "a"));
        Assert.Null(Refusals.From(error));
        Assert.Empty(_gateway.Registry.List());
    }

    [Fact]
    public async Task No_certificate_is_refused()
    {
        using var bare = new RawNode(_gateway, _clock, tls => tls.ClientCertificateContext = null);
        await Assert.ThrowsAsync<RpcException>(() => bare.JoinAsync(_gateway.Token(), "a"));
        Assert.Empty(_gateway.Registry.List());
    }

    [Fact]
    public async Task An_expired_certificate_is_refused()
    {
        // Made by a clock that is eleven years behind, which would refuse the gateway's in turn.
        var behind = new FakeTimeProvider(_clock.GetUtcNow().AddYears(-11));
        using var old = new RawNode(_gateway, behind, tls => tls.RemoteCertificateValidationCallback = (_, _, _, _) => true);
        var error = await Assert.ThrowsAsync<RpcException>(() => old.JoinAsync(_gateway.Token(), "a"));
        Assert.Null(Refusals.From(error));
        Assert.Empty(_gateway.Registry.List());
    }

    [Fact]
    public async Task A_node_that_is_removed_while_it_is_connected_is_told_and_cut_at_once()
    {
        await _node.JoinAsync(_gateway.Token(), "a");
        using var call = await _node.RegisterAsync("a");
        Assert.True(_gateway.Registry.Remove("a"));
        Assert.Equal(RefusalReason.Removed, (await RawNode.EndOfAsync(call)).Reason);
        using var again = await _node.ConnectAsync(ControlMessages.Register(RawNode.Report("a")));
        Assert.Equal(RefusalReason.Removed, (await RawNode.EndOfAsync(again)).Reason);
    }

    [Fact]
    public async Task Silence_costs_a_node_its_connection_once_its_lease_is_over()
    {
        await _node.JoinAsync(_gateway.Token(), "a");
        using var call = await _node.RegisterAsync("a");
        _clock.Advance(TimeSpan.FromSeconds(1.9));
        Assert.Equal(NodeState.Online, _gateway.Registry.Find("a")!.State);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(NodeState.Lost, _gateway.Registry.Find("a")!.State);
        Assert.Equal(RefusalReason.Silent, (await RawNode.EndOfAsync(call)).Reason);
    }

    [Fact]
    public async Task A_heartbeat_is_answered_and_keeps_the_node_online()
    {
        await _node.JoinAsync(_gateway.Token(), "a");
        using var call = await _node.RegisterAsync("a");
        for (var i = 0; i < 10; i++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            await call.RequestStream.WriteAsync(ControlMessages.NodeHeartbeat());
            do
                Assert.True(await call.ResponseStream.MoveNext());
            while (call.ResponseStream.Current.Heartbeat is null);
        }
        Assert.Equal(NodeState.Online, _gateway.Registry.Find("a")!.State);
    }

    [Fact]
    public async Task A_connection_that_breaks_is_seen_at_once_and_a_goodbye_is_told_apart()
    {
        await _node.JoinAsync(_gateway.Token(), "a");
        using (await _node.RegisterAsync("a"))
        {
        }
        await Eventually.TrueAsync(() => _gateway.Registry.Find("a")!.State == NodeState.Lost);

        using var call = await _node.RegisterAsync("a");
        await call.RequestStream.WriteAsync(ControlMessages.Goodbye("its operator stopped it"));
        await call.RequestStream.CompleteAsync();
        await Eventually.TrueAsync(() => _gateway.Registry.Find("a")!.State == NodeState.Stopped);
    }

    [Fact]
    public async Task A_second_connection_of_a_node_takes_the_place_of_the_first()
    {
        await _node.JoinAsync(_gateway.Token(), "a");
        using var first = await _node.RegisterAsync("a");
        using var second = await _node.RegisterAsync("a");
        Assert.Equal(RefusalReason.Replaced, (await RawNode.EndOfAsync(first)).Reason);
        Assert.Equal(NodeState.Online, _gateway.Registry.Find("a")!.State);
    }
}
