using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Node.Stages;
using Formation.Inference.Node.Stages.Wire;
using Formation.Inference.Node.Tests.Fakes;
using Formation.Inference.Testing.Models;
using Formation.Inference.Testing.Stages;

namespace Formation.Inference.Node.Tests.Stages;

/// <summary>Whatever a peer sends, the stage says what is wrong, gives up that connection or that batch, and serves the next head.</summary>
[Collection(nameof(MeasuresAllocations))]
public sealed class HostilePeerTests : IDisposable
{
    readonly TinyChain _stages = new(TinyModelOptions.Llama);
    readonly ServedStage _stage;

    public HostilePeerTests() => _stage = _stages.Start(_stages.Model.AllLayers);

    public static TheoryData<string, object> WrongHellos => new()
    {
        { "deployment", StageErrorCode.WrongDeployment },
        { "model", StageErrorCode.WrongModel },
        { "layers", StageErrorCode.WrongShape },
        { "width", StageErrorCode.WrongShape },
        { "rows", StageErrorCode.WrongShape },
        { "blocks", StageErrorCode.WrongShape },
        { "block size", StageErrorCode.WrongShape },
        { "format", StageErrorCode.WrongShape },
        { "batches", StageErrorCode.WrongShape },
        { "precision", StageErrorCode.WrongShape },
        { "link", StageErrorCode.WrongDeployment },
    };

    [Theory, MemberData(nameof(WrongHellos))]
    public async Task A_hello_that_does_not_fit_is_refused_by_name(string what, object code)
    {
        using var peer = new HostilePeer(_stage.Endpoint.Address);

        peer.Say(frame => Spoil(HostilePeer.Head(_stages, _stage.Endpoint.Layers), what).Write(frame));

        Assert.Equal(code, peer.ExpectRefusal().Code);
        await AssertServesAsync();
    }

    [Fact]
    public async Task Bytes_that_are_no_hello_are_refused()
    {
        foreach (var bytes in (byte[][])[new byte[64], "GET / HTTP/1.1\r\nHost: stage\r\nAccept: */*\r\n\r\n"u8.ToArray(), [.. Enumerable.Repeat((byte)0xFF, 400)]])
        {
            using var peer = new HostilePeer(_stage.Endpoint.Address);
            peer.SayBytes(bytes);
            peer.ExpectRefusal();
        }
        await AssertServesAsync();
    }

    [Fact]
    public async Task A_hello_of_another_version_is_refused_with_both_versions()
    {
        using var peer = new HostilePeer(_stage.Endpoint.Address);
        var frame = new FrameBuffer();
        HostilePeer.Head(_stages, _stage.Endpoint.Layers).Write(frame);
        var payload = frame.Seal(0)[FrameHeader.Size..].ToArray();
        payload[4] = 9;

        peer.SayBytes(FrameTests.Frame(FrameType.Hello, 0, payload));

        var refusal = peer.ExpectRefusal();
        Assert.Equal(StageErrorCode.Version, refusal.Code);
        Assert.Contains("version 9", refusal.Reason);
        await AssertServesAsync();
    }

    [Fact]
    public async Task A_first_frame_that_is_no_hello_is_refused()
    {
        using var peer = new HostilePeer(_stage.Endpoint.Address);

        peer.SayRow(0, 1, 0, [0]);

        Assert.Equal(StageErrorCode.Malformed, peer.ExpectRefusal().Code);
        await AssertServesAsync();
    }

    [Theory]
    [InlineData(1u << 20)]
    [InlineData((uint)int.MaxValue)]
    [InlineData(uint.MaxValue)]
    public async Task A_length_that_lies_is_refused_without_memory_for_it(uint length)
    {
        using var peer = HostilePeer.AsHead(_stages, _stage);
        var header = new byte[FrameHeader.Size];
        new FrameHeader(length, FrameType.Forward, 1, 2, 0).Write(header);
        var before = GC.GetTotalAllocatedBytes(precise: true);

        peer.SayBytes(header);

        Assert.Equal(StageErrorCode.LimitExceeded, peer.ExpectRefusal().Code);

        // Other tests of this process allocate, too, but not the gigabytes that are announced.
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 1 << 29);
        await AssertServesAsync();
    }

    [Fact]
    public async Task A_sequence_gap_ends_the_connection()
    {
        using var peer = HostilePeer.AsHead(_stages, _stage);

        peer.Say(frame => new Done(0, StageErrorCode.Cancelled, 0, "").Write(frame, FrameType.Cancel, 1), sequence: 7);

        Assert.Equal(StageErrorCode.SequenceGap, peer.ExpectRefusal().Code);
        await AssertServesAsync();
    }

    [Fact]
    public async Task Rows_of_another_width_or_that_are_not_numbers_end_the_connection()
    {
        using (var peer = HostilePeer.AsHead(_stages, _stage))
        {
            peer.SayRow(0, 1, 0, [0], width: 255);
            Assert.Equal(StageErrorCode.WrongShape, peer.ExpectRefusal().Code);
        }
        using (var peer = HostilePeer.AsHead(_stages, _stage))
        {
            peer.SayRow(0, 1, 0, [0], value: float.NaN);
            Assert.Equal(StageErrorCode.NotFinite, peer.ExpectRefusal().Code);
        }
        await AssertServesAsync();
    }

    [Fact]
    public async Task A_block_that_does_not_exist_ends_the_connection()
    {
        using var peer = HostilePeer.AsHead(_stages, _stage);

        peer.SayRow(0, 1, 0, [TinyChain.BlockCount]);

        Assert.Equal(StageErrorCode.WrongBlock, peer.ExpectRefusal().Code);
        await AssertServesAsync();
    }

    [Theory]
    [InlineData(0, 2, 1)] // Another sequence's block.
    [InlineData(0, 1, 5)] // A position with a gap before it.
    [InlineData(3, 9, 1)] // A block that nobody wrote.
    public async Task A_batch_that_writes_where_it_may_not_fails_alone(int block, long sequence, int position)
    {
        using var peer = HostilePeer.AsHead(_stages, _stage);
        peer.SayRow(0, 1, 0, [0]);
        peer.Expect(FrameType.Result);

        peer.SayRow(1, sequence, position, [block]);

        Assert.Equal(StageErrorCode.WrongBlock, Done.Read(peer.Expect(FrameType.Failed)).Code);
        peer.SayRow(2, 1, 1, [0]);
        peer.Expect(FrameType.Result);
        peer.Dispose();
        await AssertServesAsync();
    }

    [Fact]
    public async Task A_frame_of_an_earlier_epoch_is_passed_over_and_one_of_a_later_epoch_ends_the_connection()
    {
        using var peer = HostilePeer.AsHead(_stages, _stage);
        peer.Say(frame => new Route(2, RouteLink.Head, RouteLink.Head, ActivationPrecision.F32).Write(frame, epoch: 2));
        peer.Expect(FrameType.Done);

        peer.SayRow(0, 1, 0, [0], epoch: 1);
        peer.SayRow(1, 1, 0, [0], epoch: 2);
        Assert.Equal(1, BitConverter.ToInt64(peer.Expect(FrameType.Result)));

        peer.SayRow(2, 1, 1, [0], epoch: 3);
        Assert.Equal(StageErrorCode.WrongEpoch, peer.ExpectRefusal().Code);
        await AssertServesAsync();
    }

    [Fact]
    public async Task An_epoch_that_goes_backwards_ends_the_connection()
    {
        using var peer = HostilePeer.AsHead(_stages, _stage);

        peer.Say(frame => new Route(2, RouteLink.Head, RouteLink.Head, ActivationPrecision.F32).Write(frame, epoch: 1));

        Assert.Equal(StageErrorCode.WrongEpoch, peer.ExpectRefusal().Code);
        await AssertServesAsync();
    }

    [Fact]
    public async Task Frames_that_a_head_does_not_send_end_the_connection()
    {
        foreach (var type in (FrameType[])[FrameType.Hello, FrameType.Accept, FrameType.Done, FrameType.Result, FrameType.Drain, FrameType.LinkLost])
        {
            using var peer = HostilePeer.AsHead(_stages, _stage);
            peer.Say(frame => frame.Begin(type, 1).Bytes(new byte[8]));
            Assert.Equal(StageErrorCode.Malformed, peer.ExpectRefusal().Code);
        }
        await AssertServesAsync();
    }

    [Fact]
    public async Task A_second_head_is_told_that_the_stage_is_busy()
    {
        using var first = HostilePeer.AsHead(_stages, _stage);
        using var second = new HostilePeer(_stage.Endpoint.Address);

        second.Say(frame => HostilePeer.Head(_stages, _stage.Endpoint.Layers).Write(frame));

        Assert.Equal(StageErrorCode.Busy, second.ExpectRefusal().Code);
        first.SayRow(0, 1, 0, [0]);
        first.Expect(FrameType.Result);
        first.Dispose();
        await AssertServesAsync();
    }

    [Fact]
    public async Task A_replay_of_positions_without_blocks_is_refused_with_a_reason()
    {
        using var peer = HostilePeer.AsHead(_stages, _stage);
        var frame = new FrameBuffer();
        ReplayFrame.Write(frame, 1, 5, [new StoredSequence(1, 2, 17, new[] { 0 })]);

        peer.Say(buffer =>
        {
            buffer.Begin(FrameType.Replay, 1);
            buffer.Bytes(frame.Seal(0)[FrameHeader.Size..]);
        });

        Assert.Equal(StageErrorCode.WrongBlock, peer.ExpectRefusal().Code);
        await AssertServesAsync();
    }

    [Fact]
    public async Task A_fault_of_the_stages_own_fails_the_batch_alone()
    {
        using var peer = HostilePeer.AsHead(_stages, _stage);
        _stage.Compute.Before = static _ => throw new InvalidOperationException("a fault");
        peer.SayRow(0, 1, 0, [0]);
        Assert.Equal(StageErrorCode.ComputeFailed, Done.Read(peer.Expect(FrameType.Failed)).Code);

        _stage.Compute.Before = static _ => { };
        peer.SayRow(1, 1, 0, [0]);
        peer.Expect(FrameType.Result);
        peer.Dispose();
        await AssertServesAsync();
    }

    public void Dispose() => _stages.Dispose();

    /// <summary>A chain with this one stage computes.</summary>
    async Task AssertServesAsync()
    {
        // The head before may be gone a moment earlier for itself than for the stage.
        var attempts = 0;
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                if (attempts++ > 0)
                    _stages.Offer(_stage);
                using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers);
                var rows = await new StageDriver(chain, _stages.Shape.HiddenSize).PrefillAsync(new StageSequence(1, 1, [5]), 3);
                return rows.Length == 3;
            }
            catch (StageLostException)
            {
                return false;
            }
        });
    }

    static Hello Spoil(Hello hello, string what) => what switch
    {
        "deployment" => hello with { Shape = hello.Shape with { DeploymentId = "another" } },
        "model" => hello with { Shape = hello.Shape with { ModelDigest = new string('0', 64) } },
        "layers" => hello with { Layers = new LayerRange(0, 1) },
        "width" => hello with { Shape = hello.Shape with { HiddenSize = 128 } },
        "rows" => hello with { Shape = hello.Shape with { MaxRows = TinyChain.MaxRows + 1 } },
        "blocks" => hello with { Shape = hello.Shape with { BlockCount = TinyChain.BlockCount + 1 } },
        "block size" => hello with { Shape = hello.Shape with { BlockSize = 32 } },
        "format" => hello with { Shape = hello.Shape with { KvFormat = KvFormat.F32 } },
        "batches" => hello with { InFlight = 60 },
        "precision" => hello with { Offered = 0, Preferred = ActivationPrecision.F32 },
        "link" => hello with { Role = PeerRole.Upstream },
        _ => throw new ArgumentOutOfRangeException(nameof(what)),
    };
}
