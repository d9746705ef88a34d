using System.Net.Sockets;
using System.Runtime.InteropServices;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Connections;
using Formation.Inference.Node.Stages.Groups;
using Formation.Inference.Node.Stages.Transports;
using Formation.Inference.Node.Stages.Wire;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Node.Tests.Stages.Groups;

/// <summary>Partial sums on the wire: what members add up, and what of a peer's is refused.</summary>
public sealed class TensorLinkTests : IDisposable
{
    static readonly LayerRange Layers = new(0, 2);

    readonly TemporaryDirectory _directory = new();
    readonly List<IDisposable> _open = [];

    [Theory]
    [InlineData(2, 5)]
    [InlineData(2, (3 * TensorLink.MaxPiece) + 7)]
    [InlineData(4, 5)]
    [InlineData(8, (2 * TensorLink.MaxPiece) + 1)]
    public async Task Members_get_the_same_sum_in_the_order_of_their_ranks(int members, int count)
    {
        var exchanges = NewGroup(members);
        var random = new SplitMix64(1);
        var partials = exchanges.Select(_ => Enumerable.Range(0, count).Select(_ => (float)random.NextNormal()).ToArray()).ToArray();
        var expected = Enumerable.Range(0, count).Select(i => partials.Skip(1).Aggregate(partials[0][i], (sum, partial) => sum + partial[i])).ToArray();

        await Task.WhenAll(exchanges.Select((exchange, rank) => OnThread(() => exchange.Sum(partials[rank]))));

        Assert.All(partials, sum => Assert.Equal(expected, sum));
    }

    [Theory]
    [InlineData(2, 0)]
    [InlineData(2, 1)]
    [InlineData(4, 0)]
    [InlineData(4, 2)]
    public async Task A_value_that_is_not_finite_fails_the_batch_on_every_member_and_leaves_the_group_whole(int members, int faulty)
    {
        var exchanges = NewGroup(members);

        var failures = await Task.WhenAll(exchanges.Select((exchange, rank) => OnThread(
            () => Assert.Throws<StageBatchException>(() => exchange.Sum(rank == faulty ? [1, float.NaN] : [1, 2])).Code)));
        Assert.All(failures, code => Assert.Equal(StageErrorCode.NotFinite, code));

        var sums = await Task.WhenAll(exchanges.Select(exchange => OnThread(() => Sum(exchange, 3))));
        Assert.All(sums, sum => Assert.Equal(3 * members, sum));
    }

    [Theory]
    [InlineData("shape")]
    [InlineData("type")]
    [InlineData("not finite")]
    [InlineData("sequence")]
    [InlineData("length")]
    [InlineData("checksum")]
    public async Task What_breaks_the_protocol_loses_the_member_for_a_reason(string fault)
    {
        var (channel, peer) = NewPair();
        var leader = new LeaderExchange(2, Layers);
        leader.Attach(1, new TensorLink(NewConnection(channel)));
        var bytes = Partial(fault switch
        {
            "shape" => [1, 2, 3],
            "not finite" => [1, float.PositiveInfinity],
            _ => [1, 2],
        }, fault == "type" ? FrameType.Forward : FrameType.Partial, fault == "sequence" ? 1UL : 0);
        if (fault == "length")
            bytes[2] = 0x7F;
        if (fault == "checksum")
            bytes[^1] ^= 1;
        peer.Stream.Write(bytes);

        var loss = await OnThread(() => Assert.Throws<StageLostException>(() => leader.Sum([1, 2])));

        Assert.Contains(
            fault switch
            {
                "shape" => "12 bytes of a partial sum come where 8 are due",
                "type" => "a frame Forward comes where a partial sum is due",
                "not finite" => "not finite",
                "sequence" => "frame 1 came where 0 is next",
                "length" => "the limit is",
                _ => "a frame's checksum does not fit its bytes",
            },
            loss.Message);
        Assert.Throws<StageLostException>(() => leader.Sum([1, 2]));
    }

    [Fact]
    public async Task A_member_that_leaves_ends_a_sum_that_waits()
    {
        var (channel, peer) = NewPair();
        var leader = new LeaderExchange(2, Layers);
        leader.Attach(1, new TensorLink(NewConnection(channel)));
        var sum = OnThread(() => Assert.Throws<StageLostException>(() => leader.Sum([1])));

        peer.Dispose();

        Assert.Contains("member 1 is lost", (await sum).Message);
    }

    [Fact]
    public async Task A_sum_that_waits_ends_when_the_link_is_closed_here()
    {
        var (channel, _) = NewPair();
        var leader = new LeaderExchange(2, Layers);
        leader.Attach(1, new TensorLink(NewConnection(channel)));
        var sum = OnThread(() => Assert.Throws<StageLostException>(() => leader.Sum([1])));

        leader.Close("its heartbeat is gone");

        Assert.Contains("its heartbeat is gone", (await sum).Message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Changed_frames_are_added_up_or_refused(ulong seed) => Fuzz(seed, 4_000);

    [Theory, Trait("Category", "Long")]
    [InlineData(11)]
    [InlineData(12)]
    public void Changed_frames_are_added_up_or_refused_for_long(ulong seed) => Fuzz(seed, 1_000_000);

    public void Dispose()
    {
        _open.ForEach(one => one.Dispose());
        _directory.Dispose();
    }

    static void Fuzz(ulong seed, int rounds)
    {
        var random = new SplitMix64(seed);
        var (read, refused) = (0, 0);
        for (var round = 0; round < rounds; round++)
        {
            var values = Enumerable.Range(0, random.Next(20)).Select(_ => (float)random.NextNormal()).ToArray();
            var bytes = Partial(values, FrameType.Partial, 0);
            if (random.Next(4) != 0)
                bytes[random.Next(bytes.Length)] ^= (byte)(1 + random.Next(255));
            if (random.Next(4) == 0)
                bytes = bytes[..random.Next(bytes.Length + 1)];
            var stream = new MemoryStream();
            stream.Write(bytes);
            stream.Position = 0;
            var link = new TensorLink(new StageConnection(
                new StageChannel(stream, PeerIdentity.SameHost, static () => { }), TimeProvider.System, new HeartbeatOptions()));
            var piece = new float[values.Length];
            try
            {
                if (link.TryReceive(piece))
                    Assert.True(RowCodec.IsFinite(piece));
                read++;
            }
            catch (Exception refusal) when (refusal is StageProtocolException or IOException)
            {
                refused++;
            }
        }
        Assert.True(read > rounds / 20 && refused > rounds / 20, $"{read} frames were read and {refused} refused");
    }

    static byte[] Partial(float[] values, FrameType type, ulong sequence)
    {
        var frame = new FrameBuffer();
        frame.Begin(type);
        frame.Bytes(MemoryMarshal.AsBytes<float>(values));
        return frame.Seal(sequence).ToArray();
    }

    static float Sum(ITensorExchange exchange, float value)
    {
        float[] values = [value];
        exchange.Sum(values);
        return values[0];
    }

    static Task OnThread(Action action) =>
        Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    static Task<T> OnThread<T>(Func<T> action) =>
        Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    ITensorExchange[] NewGroup(int members)
    {
        var leader = new LeaderExchange(members, Layers);
        var exchanges = new List<ITensorExchange> { leader };
        for (var rank = 1; rank < members; rank++)
        {
            var (one, other) = NewPair();
            leader.Attach(rank, new TensorLink(NewConnection(one)));
            var follower = new FollowerExchange(new TensorShare(rank, members), Layers);
            follower.Attach(new TensorLink(NewConnection(other)));
            exchanges.Add(follower);
        }
        return [.. exchanges];
    }

    static StageConnection NewConnection(StageChannel channel) => new(channel, TimeProvider.System, new HeartbeatOptions());

    (StageChannel One, StageChannel Other) NewPair()
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var end = new UnixDomainSocketEndPoint(_directory.File($"{_open.Count}.sock"));
        listener.Bind(end);
        listener.Listen();
        var one = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        one.Connect(end);
        var other = listener.Accept();
        var channels = (Over(one), Over(other));
        _open.Add(channels.Item1);
        _open.Add(channels.Item2);
        return channels;
    }

    static StageChannel Over(Socket socket) => StageChannel.Over(socket, new SpinningStream(socket), PeerIdentity.SameHost);
}
