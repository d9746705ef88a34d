using System.Diagnostics;
using System.Globalization;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.Threading;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Groups;
using Formation.Inference.Node.Stages.Transports;

namespace Formation.Inference.TensorParallel.Benchmarks;

/// <summary>
/// One stream alone on one thread, and over a group, in turns; says the median of each and of the ratios of pairs, and how much more the members'
/// threads together read from memory than one, before each turn: the most that a group can bring while its members share one machine.
/// </summary>
static class Comparison
{
    const int Prompt = 32, Warm = 16;
    const double Room = 1.6;

    public static async Task RunAsync(string path, int members, int tokens, int turns)
    {
        using var identity = NodeIdentity.CreateInMemory(TimeProvider.System);
        using var file = GgufFile.Open(path);
        using var device = new CpuDevice(threads: 1);
        using var whole = TransformerModel.Load(file, device);
        var layers = whole.AllLayers;
        using var part = TransformerModel.LoadPart(file, new ModelPart(layers, HasEnds: false) { Share = new TensorShare(0, members) }, device);
        var followers = Enumerable.Range(1, members - 1).Select(rank => new FollowerClient(path, rank, members, layers, identity.Pin)).ToArray();
        var group = await TensorParallelStage.ConnectAsync(
            new TensorParallelOptions { Shape = Bench.Shape(whole.Config), Layers = layers, Followers = followers },
            exchange => part.CreateStage(layers, part.KvShape(layers, Bench.BlockCount), Bench.MaxRows, exchange),
            new StageDialer(new StageCredentials(identity.Certificate, _ => false)));
        using var shared = new Pipeline(whole.CreateHead(Bench.MaxRows), [group], Bench.MaxRows);
        using var alone = new Pipeline(
            whole.CreateHead(Bench.MaxRows), [whole.CreateStage(layers, whole.KvShape(layers, Bench.BlockCount), Bench.MaxRows)], Bench.MaxRows);
        await MeasureAsync(alone, Warm);
        await MeasureAsync(shared, Warm);
        using var both = new WorkerTeam(members);
        using var single = new WorkerTeam(1);
        var (one, all, room) = (new List<double>(), new List<double>(), new List<double>());
        for (var turn = 0; turn < turns; turn++)
        {
            room.Add(Read(both) / Read(single));
            one.Add(await MeasureAsync(alone, tokens));
            all.Add(await MeasureAsync(shared, tokens));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{one[^1]:0.0} {all[^1]:0.0} {all[^1] / one[^1]:0.00}, memory {room[^1]:0.00}"));
        }
        var ratios = one.Zip(all, (x, y) => y / x).ToList();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Path.GetFileName(path)}: alone {Median(one):0.0} tokens/s, {members} members {Median(all):0.0}; pairs {Median(ratios):0.00} x ({ratios.Min():0.00}-{ratios.Max():0.00}), memory {Median(room):0.00} x ({room.Min():0.00}-{room.Max():0.00})"));
        // A turn counts as free where memory let both work before it and behind it (the next turn's figure).
        room.Add(Read(both) / Read(single));
        var free = ratios.Where((_, turn) => Math.Min(room[turn], room[turn + 1]) >= Room).ToList();
        if (free.Count > 0)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"turns with {Room:0.0} x or more from memory: {free.Count}, pairs {Median(free):0.00} x ({free.Min():0.00}-{free.Max():0.00})"));
        foreach (var follower in followers)
            follower.Dispose();
    }

    // Greedy: the token with the largest logit comes next.
    static async Task<double> MeasureAsync(Pipeline pipeline, int tokens)
    {
        var blocks = Enumerable.Range(0, Bench.BlockCount).ToArray();
        var logits = new float[pipeline.VocabularySize];
        var prompt = Enumerable.Range(5, Prompt).ToArray();
        var token = await StepAsync(SliceKind.Prefill, 0, prompt);
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < tokens; i++)
            token = await StepAsync(SliceKind.Decode, Prompt + i, [token]);
        return tokens / Stopwatch.GetElapsedTime(began).TotalSeconds;

        async Task<int> StepAsync(SliceKind kind, int position, int[] ids)
        {
            var batch = new Batch(position, [new BatchSlice(1, kind, 0, ids.Length, position, blocks)]);
            await pipeline.ForwardAsync(batch, ids, new[] { ids.Length - 1 }, logits, CancellationToken.None);
            return Array.IndexOf(logits, logits.Max());
        }
    }

    // Small enough to take a fraction of a second, large enough for no cache.
    static double Read(WorkerTeam team) => MemoryBandwidth.Measure(team, availableBytes: 2L << 30, TimeProvider.System)!.Value;

    static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    /// <summary>A follower's process, and the way to it.</summary>
    sealed class FollowerClient : IStageProvider, IDisposable
    {
        readonly Process _process;
        readonly StageEndpoint _endpoint;

        public FollowerClient(string path, int rank, int members, LayerRange layers, KeyPin leader)
        {
            string[] arguments = ["follower", path, $"{rank}", $"{members}", leader.Text];
            _process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
            var said = (_process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("the follower has ended")).Split(' ');
            _endpoint = new StageEndpoint(
                $"member {rank}", layers, $"tcp:127.0.0.1:{said[0]}", PeerIdentity.Of(KeyPin.TryParse(said[1], out var pin) ? pin : throw new InvalidOperationException("no pin")));
        }

        public ValueTask<IReadOnlyList<StageEndpoint>> ProvideAsync(
            LayerRange layers, IReadOnlyList<LostStage> lost, CancellationToken cancellationToken) => ValueTask.FromResult<IReadOnlyList<StageEndpoint>>([_endpoint]);

        public void Dispose()
        {
            _process.StandardInput.Close();
            _process.WaitForExit();
            _process.Dispose();
        }
    }
}
