using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Formation.Inference.Node.Inventory;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Node.Tests.Inventory;

public sealed class LinkProbeTests : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly TcpClient _here = new();
    private readonly TcpClient _there;

    public LinkProbeTests()
    {
        _listener.Start();
        _here.Connect((IPEndPoint)_listener.LocalEndpoint);
        _there = _listener.AcceptTcpClient();
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _here.Dispose();
        _there.Dispose();
        _listener.Dispose();
    }

    [Theory]
    [InlineData(0.05, 1e9)]
    [InlineData(20, 25e6)]
    [InlineData(250, 1e6)]
    public async Task Round_trip_and_bandwidth_are_those_of_the_link(double milliseconds, double bytesPerSecond)
    {
        var clock = new FakeTimeProvider();
        var roundTrip = TimeSpan.FromMilliseconds(milliseconds);
        await using var stream = new PacedStream(_here.GetStream(), clock, roundTrip, bytesPerSecond);
        var answer = LinkProbe.AnswerAsync(_there.GetStream(), Token);
        var begin = clock.GetTimestamp();

        var speed = await LinkProbe.MeasureAsync(stream, clock, Token);
        await answer;

        Assert.Equal(milliseconds, speed.RoundTrip.TotalMilliseconds, milliseconds * 0.05);
        Assert.InRange(speed.BytesPerSecond, bytesPerSecond * 0.9, bytesPerSecond * 1.1);
        Assert.True(stream.BytesSent <= LinkProbe.MostBytes);
        Assert.True(clock.GetElapsedTime(begin) < TimeSpan.FromSeconds(4), $"{clock.GetElapsedTime(begin)}");
    }

    [Fact]
    public async Task The_stream_can_be_used_on_after_a_probe()
    {
        var answer = LinkProbe.AnswerAsync(_there.GetStream(), Token);
        await LinkProbe.MeasureAsync(_here.GetStream(), TimeProvider.System, Token);
        await answer;

        await _here.GetStream().WriteAsync(new byte[] { 42 }, Token);
        Assert.Equal(42, _there.GetStream().ReadByte());
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(4, 0)]
    [InlineData(1, -1)]
    [InlineData(1, 1025)]
    [InlineData(2, int.MaxValue)]
    [InlineData(2, (8 << 20) + 1)]
    [InlineData(3, 1)]
    [InlineData(0x0101, 4)]
    public async Task A_message_that_is_none_ends_the_answers(int kind, int length)
    {
        var header = new byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(header, kind);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), length);
        await _here.GetStream().WriteAsync(header, Token);

        await Assert.ThrowsAsync<InvalidDataException>(() => LinkProbe.AnswerAsync(_there.GetStream(), Token));
    }

    [Fact]
    public async Task A_peer_that_probes_without_end_is_stopped()
    {
        var answer = LinkProbe.AnswerAsync(_there.GetStream(), Token);
        var message = new byte[8 + 1];
        message[0] = 1;
        message[4] = 1;
        var echo = new byte[1];
        for (var i = 0; i < 1024; i++)
        {
            await _here.GetStream().WriteAsync(message, Token);
            await _here.GetStream().ReadExactlyAsync(echo, Token);
        }

        await Assert.ThrowsAsync<InvalidDataException>(() => answer);
    }

    [Fact]
    public async Task A_connection_that_ends_ends_both_sides()
    {
        var answer = LinkProbe.AnswerAsync(_there.GetStream(), Token);
        _here.Close();
        await Assert.ThrowsAnyAsync<IOException>(() => answer);

        _there.Close();
    }

    [Fact]
    public async Task A_peer_that_answers_with_something_else_is_not_believed()
    {
        var measure = LinkProbe.MeasureAsync(_here.GetStream(), TimeProvider.System, Token);
        await _there.GetStream().WriteAsync(Enumerable.Repeat((byte)0xFF, 64).ToArray(), Token);

        await Assert.ThrowsAsync<InvalidDataException>(() => measure);
    }
}
