using System.Numerics;
using Formation.Inference.Engine.Sampling;

namespace Formation.Inference.Engine.Tests.Sampling;

/// <summary>The filters on vocabularies of the size of real ones, against the definitions.</summary>
public sealed class CandidatesTests
{
    const int Vocabulary = 6007;

    static float[] Logits(int seed, double spread)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, Vocabulary).Select(_ => (float)(Math.Pow(random.NextDouble(), 8) * spread))];
    }

    [Theory]
    [InlineData(1, 12)]
    [InlineData(2, 1)]
    [InlineData(3, 200)]
    [InlineData(4, 0)]
    public void Each_filter_keeps_as_many_tokens_as_its_definition_and_no_others(int seed, double spread)
    {
        var logits = Logits(seed, spread);
        var candidates = new Candidates(Vocabulary);
        foreach (var (parameters, filter) in Filters)
        {
            candidates.Fill(logits, parameters.Temperature, parameters.TopK);
            filter(candidates);
            var expected = ReferenceDistribution.Of(logits, parameters);
            Assert.Equal(expected.Count, candidates.Count);
            for (var i = 0; i < 300; i++)
                Assert.Contains(candidates.Draw(i / 300.0), expected);
        }
    }

    static IEnumerable<(SamplingParams Parameters, Action<Candidates> Filter)> Filters =>
    [
        (new SamplingParams { TopK = 40 }, _ => { }),
        (new SamplingParams { TopK = 3, Temperature = 0.1f }, _ => { }),
        (new SamplingParams { TopP = 0.9f }, candidates => candidates.KeepTopP(0.9f)),
        (new SamplingParams { TopP = 0.3f, Temperature = 3 }, candidates => candidates.KeepTopP(0.3f)),
        (new SamplingParams { TypicalP = 0.8f }, candidates => candidates.KeepTypical(0.8f)),
        (new SamplingParams { MinP = 0.05f }, candidates => candidates.KeepMinP(0.05f)),
        (new SamplingParams { TopK = 500, TypicalP = 0.9f, TopP = 0.9f }, candidates =>
        {
            candidates.KeepTypical(0.9f);
            candidates.KeepTopP(0.9f);
        }),
    ];

    [Theory]
    [InlineData(1, 12, 1)]
    [InlineData(2, 1, 0.7f)]
    [InlineData(3, 200, 1.3f)]
    [InlineData(4, 0, 1)]
    public void A_draw_finds_the_token_that_adding_up_the_weights_one_by_one_finds(int seed, double spread, float temperature)
    {
        var logits = Logits(seed, spread);
        var max = (double)logits.Max();
        // The same exponential as the candidates', so that the comparison is to the bit.
        var weights = logits.Select(logit => Vector.Exp(new Vector<double>((logit - max) / temperature))[0]).ToArray();
        var total = weights.Aggregate((sum, weight) => sum + weight);
        var candidates = new Candidates(Vocabulary);
        for (var i = 0; i < 500; i++)
        {
            // The tokens that filters moved in the draw before are in their places again.
            candidates.Fill(logits, temperature, topK: i % 7);
            candidates.KeepTopP(0.5f);
            candidates.KeepMinP(0.1f);
            candidates.Fill(logits, temperature, topK: 0);

            var (target, sum, expected) = (i / 500.0 * total, 0.0, 0);
            for (; expected < Vocabulary; expected++)
                if ((sum += weights[expected]) > target)
                    break;
            Assert.Equal(expected, candidates.Draw(i / 500.0));
        }
    }

    [Fact]
    public void Equal_logits_are_kept_by_id()
    {
        var candidates = new Candidates(Vocabulary);
        candidates.Fill(new float[Vocabulary], temperature: 1, topK: 4);
        Assert.Equal([0, 1, 2, 3], Enumerable.Range(0, 4).Select(i => candidates.Draw((i + 0.5) / 4)));
    }

    [Fact]
    public void Draws_at_the_edges_of_the_interval_give_a_token_with_weight()
    {
        var logits = Enumerable.Repeat(float.NegativeInfinity, Vocabulary).ToArray();
        (logits[5], logits[6000]) = (1, 1);
        var candidates = new Candidates(Vocabulary);
        candidates.Fill(logits, temperature: 1, topK: 0);
        Assert.Equal((5, 6000), (candidates.Draw(0), candidates.Draw(1 - 1e-16)));
    }
}
