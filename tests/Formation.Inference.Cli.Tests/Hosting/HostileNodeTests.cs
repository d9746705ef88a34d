using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using Formation.Inference.Cli.Tests.Fakes;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control;
using Formation.Inference.Cluster.Nodes.Control.Wire;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Cli.Tests.Hosting;

/// <summary>Nodes that break the control protocol: each is refused with a reason, and the gateway goes on serving the others.</summary>
public sealed class HostileNodeTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 23, 6, 0, 0, TimeSpan.Zero));
    private TestControlPlane _gateway = null!;
    private RawNode _hostile = null!;
    private RawNode _good = null!;

    public async ValueTask InitializeAsync()
    {
        _gateway = await TestControlPlane.StartAsync(_clock);
        _hostile = new RawNode(_gateway, _clock);
        _good = new RawNode(_gateway, _clock);
        await _good.JoinAsync(_gateway.Token(), "good");
        await _hostile.JoinAsync(_gateway.Token(), "hostile");
    }

    public async ValueTask DisposeAsync()
    {
        using (await _good.RegisterAsync("good"))
            Assert.Equal(NodeState.Online, _gateway.Registry.Find("good")!.State);
        _good.Dispose();
        _hostile.Dispose();
        await _gateway.DisposeAsync();
    }

    [Theory]
    [InlineData("Join", int.MaxValue, StatusCode.ResourceExhausted)]
    [InlineData("Join", ControlLimits.GatewayMessageBytes + 1, StatusCode.ResourceExhausted)]
    [InlineData("Join", -1, StatusCode.Unknown)]
    [InlineData("Connect", int.MaxValue, StatusCode.ResourceExhausted)]
    [InlineData("Connect", -1, StatusCode.Unknown)]
    public async Task A_length_beyond_the_limit_is_refused_before_anything_is_allocated(string method, int length, StatusCode status)
    {
        var body = new byte[64];
        BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(1), length);
        Assert.Equal($"{(int)status}", await PostAsync(method, body));
    }

    [Fact]
    public async Task Bytes_that_are_no_message_are_refused()
    {
        var random = new Random(19);
        for (var i = 0; i < 50; i++)
        {
            var body = new byte[5 + random.Next(1, 400)];
            random.NextBytes(body.AsSpan(5));
            BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(1), body.Length - 5);
            body[0] = 0;
            Assert.NotEqual("0", await PostAsync(i % 2 == 0 ? "Join" : "Connect", body));
        }
    }

    [Fact]
    public async Task A_message_cut_short_is_refused()
    {
        var message = ControlMessages.Register(RawNode.Report("hostile")).ToByteArray();
        var body = new byte[5 + message.Length / 2];
        BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(1), message.Length);
        message.AsSpan(0, message.Length / 2).CopyTo(body.AsSpan(5));
        Assert.NotEqual("0", await PostAsync("Connect", body));
        Assert.Equal(NodeState.Away, _gateway.Registry.Find("hostile")!.State);
    }

    [Theory]
    [InlineData("Hostile")]
    [InlineData("../hostile")]
    [InlineData("hostile\n")]
    [InlineData("")]
    public async Task A_name_outside_the_grammar_is_refused(string name)
    {
        var register = ControlMessages.Register(RawNode.Report("hostile"));
        register.Register.Report.Name = name;
        using var call = await _hostile.ConnectAsync(register);
        Assert.Equal(RefusalReason.BadMessage, (await RawNode.EndOfAsync(call)).Reason);
    }

    [Fact]
    public async Task A_huge_list_is_refused_when_it_joins_when_it_registers_and_later()
    {
        var join = ControlMessages.Join(_gateway.Token(), RawNode.Report("other"));
        join.Report.Addresses.Add(Enumerable.Repeat("10.0.0.1:1", 10_000));
        Assert.Equal(RefusalReason.BadMessage, (await RawNode.RefusalOfAsync(_hostile.Client.JoinAsync(join).ResponseAsync)).Reason);

        using (var call = await _hostile.ConnectAsync(new NodeMessage { Register = new Register { Protocol = ControlLimits.Protocol, Report = join.Report } }))
            Assert.Equal(RefusalReason.BadMessage, (await RawNode.EndOfAsync(call)).Reason);

        using var connected = await _hostile.RegisterAsync("hostile");
        join.Report.Name = "hostile";
        await connected.RequestStream.WriteAsync(ControlMessages.Report(join.Report));
        Assert.Equal(RefusalReason.BadMessage, (await RawNode.EndOfAsync(connected)).Reason);
        Assert.Equal(NodeState.Lost, _gateway.Registry.Find("hostile")!.State);
    }

    [Fact]
    public async Task A_stream_begins_with_a_registration_and_has_one()
    {
        using (var call = await _hostile.ConnectAsync(ControlMessages.NodeHeartbeat()))
            Assert.Equal(RefusalReason.BadMessage, (await RawNode.EndOfAsync(call)).Reason);
        using (var call = await _hostile.ConnectAsync(new NodeMessage()))
            Assert.Equal(RefusalReason.BadMessage, (await RawNode.EndOfAsync(call)).Reason);
        using (var call = await _hostile.RegisterAsync("hostile"))
        {
            await call.RequestStream.WriteAsync(ControlMessages.Register(RawNode.Report("hostile")));
            Assert.Equal(RefusalReason.BadMessage, (await RawNode.EndOfAsync(call)).Reason);
        }
    }

    [Fact]
    public async Task Who_opens_a_stream_and_says_nothing_is_cut()
    {
        using var call = _hostile.Client.Connect();
        var end = RawNode.EndOfAsync(call);
        // The call has to arrive before its time can run out.
        while (!end.IsCompleted)
        {
            _clock.Advance(ControlLimits.Patience);
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
        Assert.Equal(RefusalReason.BadMessage, (await end).Reason);
    }

    [Fact]
    public async Task Another_version_of_the_protocol_is_told_as_such()
    {
        var register = ControlMessages.Register(RawNode.Report("hostile"));
        register.Register.Protocol = 999;
        using var call = await _hostile.ConnectAsync(register);
        var refusal = await RawNode.EndOfAsync(call);
        Assert.Equal(RefusalReason.WrongProtocol, refusal.Reason);
        Assert.Contains("999", refusal.Message);
    }

    [Fact]
    public async Task What_a_newer_node_says_beyond_this_version_is_passed_over()
    {
        using var call = await _hostile.RegisterAsync("hostile");
        await call.RequestStream.WriteAsync(NodeMessage.Parser.ParseFrom([0xfa, 0x3f, 0x02, 0x08, 0x01]));
        await call.RequestStream.WriteAsync(ControlMessages.NodeHeartbeat());
        do
            Assert.True(await call.ResponseStream.MoveNext());
        while (call.ResponseStream.Current.Heartbeat is null);
    }

    /// <returns>The status of gRPC.</returns>
    private async Task<string> PostAsync(string method, byte[] body)
    {
        using var client = new HttpClient(_hostile.Handler, disposeHandler: false);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_gateway.Url, $"/formation.cluster.v1.NodeControl/{method}"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        using var response = await client.SendAsync(request);
        await response.Content.ReadAsByteArrayAsync();
        return response.Headers.Concat(response.TrailingHeaders).Single(header => header.Key == "grpc-status").Value.Single();
    }
}
