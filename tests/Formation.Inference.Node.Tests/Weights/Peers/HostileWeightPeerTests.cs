using System.Net.Security;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Weights;
using Formation.Inference.Node.Agent;
using Formation.Inference.Node.Tests.Fakes;
using Formation.Inference.Node.Weights.Fetching;
using Formation.Inference.Node.Weights.Peers;

namespace Formation.Inference.Node.Tests.Weights.Peers;

/// <summary>Admitted nodes that break the protocol, as askers and as sources: each costs its own connection, and no wrong byte passes.</summary>
[Collection(nameof(MeasuresAllocations))]
public sealed class HostileWeightPeerTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;

    private TinyWeights _weights = null!;
    private ModelFiles _served = null!;
    private WeightPeerServer _server = null!;
    private TestNode _peer = null!;
    private TestNode _node = null!;

    public async ValueTask InitializeAsync()
    {
        _weights = await TinyWeights.BuildAsync();
        _served = _weights.Serve();
        _server = new WeightPeerServer(digest => digest == _weights.Manifest.Digest ? _served : null, TimeProvider.System);
        _peer = new TestNode("peer", new() { [WeightPeerServer.Protocol] = _server.ServeAsync });
        _node = TestNode.Probed("node");
        _peer.Knows(_node);
    }

    public async ValueTask DisposeAsync()
    {
        await AssertServesAsync();
        await _node.DisposeAsync();
        await _peer.DisposeAsync();
        _server.Dispose();
        _served.Dispose();
        _weights.Dispose();
    }

    [Theory]
    [InlineData("00000000", "00000000")]
    [InlineData("ff000000", "00000000")]
    [InlineData("03010000", "00000000")]
    [InlineData("03000000", "ffffffff")]
    [InlineData("03000000", "00000080")]
    [InlineData("01000000", "01000000")]
    public async Task A_question_that_is_none_is_told_so_and_ends_its_connection(string kind, string chunk)
    {
        await using var stream = await DialAsync();
        await stream.WriteAsync(Convert.FromHexString(kind + chunk + _weights.Manifest.Digest));
        Assert.Equal(WeightStatus.Malformed, await StatusAsync(stream));
        Assert.Equal(0, await stream.ReadAsync(new byte[1]));
    }

    [Theory]
    [InlineData("ffffff7f")]
    [InlineData("00000100")]
    public async Task A_chunk_that_the_model_does_not_have_is_not_held_and_the_connection_stays(string chunk)
    {
        await using var stream = await DialAsync();
        await stream.WriteAsync(Convert.FromHexString("03000000" + chunk + _weights.Manifest.Digest));
        Assert.Equal(WeightStatus.NotHeld, await StatusAsync(stream));
        await stream.WriteAsync(Convert.FromHexString("0300000000000000" + new string('0', 64)));
        Assert.Equal(WeightStatus.NotHeld, await StatusAsync(stream));
        await stream.WriteAsync(Convert.FromHexString("0300000000000000" + _weights.Manifest.Digest));
        Assert.Equal(WeightStatus.Here, await StatusAsync(stream));
    }

    [Fact]
    public async Task Noise_and_halves_of_questions_end_their_own_connection()
    {
        var random = new Random(11);
        for (var i = 0; i < 100; i++)
        {
            await using var stream = await DialAsync();
            var bytes = new byte[random.Next(1, 4 * WeightProtocol.QuestionBytes)];
            random.NextBytes(bytes);
            // Half of them begin like a question.
            if (i % 2 == 0)
                new byte[] { (byte)random.Next(1, 4), 0, 0, 0 }.AsSpan(0, Math.Min(4, bytes.Length)).CopyTo(bytes);
            await stream.WriteAsync(bytes);
        }
        await Eventually.TrueAsync(() => _peer.Listener.OpenConnections == 0);
    }

    [Fact]
    public async Task A_peer_with_too_many_connections_is_told_to_wait()
    {
        var streams = new List<SslStream>();
        for (var i = 0; i < WeightPeerServer.ConnectionsPerPeer; i++)
        {
            streams.Add(await DialAsync());
            await streams[i].WriteAsync(Convert.FromHexString("0300000000000000" + new string('0', 64)));
            Assert.Equal(WeightStatus.NotHeld, await StatusAsync(streams[i]));
        }
        await using (var further = await DialAsync())
        {
            await further.WriteAsync(Convert.FromHexString("0300000000000000" + _weights.Manifest.Digest));
            Assert.Equal(WeightStatus.Busy, await StatusAsync(further));
        }
        foreach (var stream in streams)
            await stream.DisposeAsync();
        await Eventually.TrueAsync(() => _peer.Listener.OpenConnections == 0);
    }

    [Theory]
    [InlineData("0400000000000000")] // No such status.
    [InlineData("0000010000000000")] // Reserved bytes.
    [InlineData("00000000ffffff7f")] // 2^31 - 1 bytes.
    [InlineData("00000000ffffffff")] // A negative length.
    [InlineData("00000000ff3f0000")] // One byte less than the chunk.
    [InlineData("0000000001400000")] // One byte more.
    [InlineData("0100000001000000")] // Content behind a refusal.
    [InlineData("0300000000000000")] // It does not understand.
    public async Task A_source_that_breaks_the_protocol_is_told_apart_from_one_that_fails(string answer)
    {
        await using var liar = Liar((_, _) => Convert.FromHexString(answer));
        using var source = new PeerChunkSource(_node.Identity, liar.AsPeer, TimeProvider.System);
        var error = await Assert.ThrowsAsync<ChunkSourceException>(() => source.ReadChunkAsync(_weights.Manifest, 0, new byte[1 << TinyWeights.ChunkPower], None));
        Assert.Equal(ChunkSourceFault.BadAnswer, error.Fault);
    }

    [Fact]
    public async Task Holdings_of_another_length_or_with_chunks_beyond_the_model_are_refused()
    {
        var length = ChunkSet.BytesFor(_weights.Manifest.ChunkCount);
        Assert.NotEqual(0, _weights.Manifest.ChunkCount % 8);
        foreach (var (promised, content) in ((int, byte[])[])[(length - 1, new byte[length - 1]), (length + 1, new byte[length + 1]), (length, [.. Enumerable.Repeat((byte)255, length)])])
        {
            await using var liar = Liar((_, _) => [0, 0, 0, 0, .. BitConverter.GetBytes(promised), .. content]);
            using var source = new PeerChunkSource(_node.Identity, liar.AsPeer, TimeProvider.System);
            var error = await Assert.ThrowsAsync<ChunkSourceException>(() => source.ReadHoldingsAsync(_weights.Manifest, None));
            Assert.Equal(ChunkSourceFault.BadAnswer, error.Fault);
        }
    }

    [Fact]
    public async Task A_manifest_that_is_promised_large_and_does_not_come_takes_no_memory()
    {
        await using var liar = Liar((_, _) => [0, 0, 0, 0, .. BitConverter.GetBytes(ManifestLimits.ManifestBytes), .. new byte[1000]], isLast: true);
        using var source = new PeerChunkSource(_node.Identity, liar.AsPeer, TimeProvider.System);
        await source.ReadManifestAsync(_weights.Manifest.Digest, None).ContinueWith(_ => { });
        var before = GC.GetTotalAllocatedBytes(precise: true);
        var error = await Assert.ThrowsAsync<ChunkSourceException>(() => source.ReadManifestAsync(_weights.Manifest.Digest, None));
        Assert.Equal(ChunkSourceFault.Unreachable, error.Fault);
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 8 << 20);
    }

    [Fact]
    public async Task Random_answers_lead_to_faults_and_to_nothing_else()
    {
        var random = new Random(13);
        await using var liar = Liar((_, right) =>
        {
            lock (random)
            {
                var answer = right.ToArray();
                switch (random.Next(3))
                {
                    case 0:
                        answer[random.Next(WeightProtocol.AnswerBytes)] ^= (byte)(1 << random.Next(8));
                        break;
                    case 1:
                        random.NextBytes(answer);
                        break;
                    default:
                        answer = answer[..random.Next(answer.Length)];
                        break;
                }
                return answer;
            }
        }, isLast: true);
        using var source = new PeerChunkSource(_node.Identity, liar.AsPeer, TimeProvider.System);
        for (var i = 0; i < 60; i++)
        {
            var fault = await Assert.ThrowsAsync<ChunkSourceException>(() => source.ReadChunkAsync(_weights.Manifest, 0, new byte[1 << TinyWeights.ChunkPower], None));
            Assert.NotEqual(ChunkSourceFault.Refused, fault.Fault);
        }
    }

    /// <summary>A node that answers each question with what a test makes of the question and the right answer for chunk 0.</summary>
    private TestNode Liar(Func<byte[], byte[], byte[]> answer, bool isLast = false)
    {
        var chunk = _weights.Chunk(0);
        byte[] right = [0, 0, 0, 0, .. BitConverter.GetBytes(chunk.Length), .. chunk];
        var liar = new TestNode("liar", new()
        {
            [WeightPeerServer.Protocol] = async (NodePeer _, SslStream stream, CancellationToken stop) =>
            {
                var question = new byte[WeightProtocol.QuestionBytes];
                while (await stream.ReadAtLeastAsync(question, question.Length, throwOnEndOfStream: false, stop) == question.Length)
                {
                    await stream.WriteAsync(answer(question, right), stop);
                    if (isLast)
                        return;
                }
            },
        });
        liar.Knows(_node);
        return liar;
    }

    private Task<SslStream> DialAsync() => _node.DialAsync(_peer.AsPeer, WeightPeerServer.Protocol);

    private static async Task<WeightStatus> StatusAsync(SslStream stream)
    {
        var front = new byte[WeightProtocol.AnswerBytes];
        await stream.ReadExactlyAsync(front);
        Assert.True(WeightProtocol.TryReadAnswer(front, out var status, out var length));
        await stream.ReadExactlyAsync(new byte[length]);
        return status;
    }

    // Whatever happened, who keeps to the protocol is served.
    private async Task AssertServesAsync()
    {
        using var source = new PeerChunkSource(_node.Identity, _peer.AsPeer, TimeProvider.System);
        Assert.Equal(_weights.Manifest.Bytes.ToArray(), await source.ReadManifestAsync(_weights.Manifest.Digest, None));
        Assert.Equal(_weights.Manifest.ChunkCount, (await source.ReadHoldingsAsync(_weights.Manifest, None)).Count);
        var chunk = new byte[_weights.Manifest.PlaceOf(3).Length];
        await source.ReadChunkAsync(_weights.Manifest, 3, chunk, None);
        Assert.Equal(_weights.Chunk(3), chunk);
    }
}
