using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Benchmarks;

/// <summary>
/// A layer's attention with 32 query heads and 8 KV heads. Generated tokens go through so many layers in turn that their keys and values
/// come from memory and not from a cache, as they do in a model.
/// </summary>
[MemoryDiagnoser]
[Config(typeof(RateConfig))]
public class AttentionBenchmarks
{
    internal const int Heads = 32;
    internal const int KvHeads = 8;

    private const int BlockSize = 16;
    private const long CacheBytes = 256L << 20;

    private WorkerTeam? _team;
    private KvMemory? _memory;
    private AttentionPlan? _plan;
    private float[] _queries = [];
    private float[] _y = [];
    private int _layer;

    [ParamsSource(nameof(Cases))]
    public AttentionCase Case { get; set; } = AttentionCase.All[0];

    [Params(64, 128)]
    public int HeadSize { get; set; }

    [Params(KvFormat.F16, KvFormat.Q8_0)]
    public KvFormat Format { get; set; }

    public static IEnumerable<AttentionCase> Cases => AttentionCase.All;

    [GlobalSetup]
    public void Setup()
    {
        _team = new WorkerTeam(MachineDescription.Read().DefaultThreads);
        var layout = new KvLayout(KvHeads, HeadSize, BlockSize, Format);
        var blocks = (Case.Positions + BlockSize - 1) / BlockSize;
        var layers = Case.Rows == 1 ? (int)Math.Max(1, CacheBytes / (layout.BytesPerBlock * blocks)) : 1;
        _memory = new KvMemory(layout, layers, blocks);
        var blockTable = Enumerable.Range(0, blocks).ToArray();
        new Random(1).Shuffle(blockTable);
        var keys = RandomWeight.Values(layout.Width, seed: 2);
        var values = RandomWeight.Values(layout.Width, seed: 3);
        for (var layer = 0; layer < layers; layer++)
        {
            for (var position = 0; position < Case.Positions; position++)
                _memory.Store(layer, blockTable[position / BlockSize], position % BlockSize, keys, values);
        }
        _queries = RandomWeight.Values(Case.Rows * Heads * HeadSize, seed: 4);
        _y = new float[_queries.Length];
        _plan = new AttentionPlan(Heads, layout, blocks);
        _plan.Add(new AttentionSlice(0, Case.Rows, Case.Past, blockTable));
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _team?.Dispose();
        _memory?.Dispose();
    }

    [Benchmark]
    public void Attend()
    {
        _layer = (_layer + 1) % _memory!.Layers;
        PagedAttention.Run(_memory, _layer, _plan!, 1 / MathF.Sqrt(HeadSize), window: 0, _queries, _y, _team!);
    }

    private sealed class RateConfig : ManualConfig
    {
        public RateConfig() => AddColumn(new MultiplyAddColumn(), new BytesColumn(), new BandwidthColumn());
    }
}
