using BenchmarkDotNet.Attributes;
using Formation.Inference.Engine.Sampling;

namespace Formation.Inference.Engine.Benchmarks;

/// <summary>
/// What drawing one token costs the engine's thread, on which no kernel computes meanwhile. Peaked rows are like a trained model's, flat ones
/// like those of random weights, where every token counts.
/// </summary>
[MemoryDiagnoser]
public class SamplerBenchmarks
{
    private float[] _logits = [];
    private float[] _scratch = [];
    private Sampler _sampler = null!;

    [Params(32_000, 128_256)]
    public int Vocabulary { get; set; }

    [Params(true, false)]
    public bool Peaked { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        _logits = [.. Enumerable.Range(0, Vocabulary).Select(_ => (float)(Math.Pow(random.NextDouble(), Peaked ? 40 : 1) * (Peaked ? 30 : 3)))];
        _scratch = new float[Vocabulary];
        _sampler = new Sampler(Vocabulary, [0]);
    }

    [Benchmark(Baseline = true)]
    public int Greedy() => Sample(new SamplingParams { Temperature = 0 });

    [Benchmark]
    public int Temperature() => Sample(SamplingParams.Default);

    [Benchmark]
    public int TopK() => Sample(new SamplingParams { TopK = 40 });

    [Benchmark]
    public int TopP() => Sample(new SamplingParams { TopP = 0.9f });

    private int Sample(SamplingParams parameters)
    {
        _logits.CopyTo(_scratch, 0);
        _sampler.TrySample(_scratch, new SamplerState(parameters, StopConditions.Default, 1, 0, null), null, out var sampled);
        return sampled.TokenId;
    }
}
