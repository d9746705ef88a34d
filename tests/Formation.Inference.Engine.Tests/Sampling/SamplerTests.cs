using Formation.Inference.Engine.Sampling;

namespace Formation.Inference.Engine.Tests.Sampling;

public sealed class SamplerTests
{
    const int Vocabulary = 40;
    const int EndToken = 3;

    readonly Sampler _sampler = new(Vocabulary, [EndToken]);

    static float[] Logits(int seed = 11)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, Vocabulary).Select(_ => (float)(random.NextDouble() * 8 - 4))];
    }

    static SamplerState State(SamplingParams parameters, StopConditions? stop = null, long seed = 1, int choice = 0, int[]? prompt = null) =>
        new(parameters, stop ?? StopConditions.Default, seed, choice, TokenCounts.PromptTokens(parameters, prompt ?? []));

    int Sample(float[] logits, SamplerState state)
    {
        Assert.True(_sampler.TrySample([.. logits], state, null, out var sampled));
        return sampled.TokenId;
    }

    [Fact]
    public void Temperature_zero_takes_the_largest_logit_and_of_equal_ones_the_lowest_id()
    {
        var logits = new float[Vocabulary];
        logits[7] = logits[9] = logits[30] = 2;
        Assert.Equal(7, Sample(logits, State(new SamplingParams { Temperature = 0 })));
    }

    [Fact]
    public void The_largest_logit_is_found_in_rows_of_all_lengths_and_the_first_of_equal_ones_counts()
    {
        var random = new Random(3);
        for (var length = 1; length < 100; length++)
        {
            float[] logits = [.. Enumerable.Range(0, length).Select(_ => (float)random.Next(-10, 3))];
            Assert.Equal(Array.IndexOf(logits, logits.Max()), LogProbabilities.ArgMax(logits));
        }

        Assert.Equal(0, LogProbabilities.ArgMax(Enumerable.Repeat(float.NegativeInfinity, 33).ToArray()));
    }

    public static TheoryData<SamplingParams> Filters =>
    [
        new SamplingParams(),
        new SamplingParams { Temperature = 0.5f },
        new SamplingParams { Temperature = 2.5f },
        new SamplingParams { TopK = 5 },
        new SamplingParams { TopK = 1000 },
        new SamplingParams { TopP = 0.6f },
        new SamplingParams { TopP = 0.001f },
        new SamplingParams { MinP = 0.2f },
        new SamplingParams { TypicalP = 0.5f },
        new SamplingParams { Temperature = 1.5f, TopK = 20, TypicalP = 0.9f, TopP = 0.8f, MinP = 0.1f },
    ];

    [Theory]
    [MemberData(nameof(Filters))]
    public void Draws_follow_the_distribution_that_the_parameters_define(SamplingParams parameters)
    {
        const int Draws = 10_000;
        var logits = Logits();
        var expected = ReferenceDistribution.Of(logits, parameters);
        var state = State(parameters, seed: 99);
        var counts = new int[Vocabulary];
        for (var i = 0; i < Draws; i++)
        {
            var token = Sample(logits, state);
            counts[token]++;
            state.Accept(token);
        }

        for (var token = 0; token < Vocabulary; token++)
        {
            var probability = expected.GetValueOrDefault(token);
            var deviation = Math.Sqrt(Draws * probability * (1 - probability));
            Assert.True(probability > 0 || counts[token] == 0, $"token {token} was filtered out and drawn {counts[token]} times");
            Assert.InRange(counts[token], Draws * probability - 5 * deviation - 1, Draws * probability + 5 * deviation + 1);
        }
    }

    // Worked out by hand: probabilities 0.5, 0.25, 0.125, 0.125 at temperature 1.
    [Theory]
    [InlineData(0.5f, 1)]
    [InlineData(0.51f, 2)]
    [InlineData(0.75f, 2)]
    [InlineData(0.76f, 3)]
    public void Top_p_keeps_the_smallest_set_that_reaches_the_mass(float topP, int kept)
    {
        var logits = Enumerable.Repeat(float.MinValue, Vocabulary).ToArray();
        (logits[10], logits[4], logits[20], logits[5]) = (MathF.Log(4), MathF.Log(2), 0, 0);
        var state = State(new SamplingParams { TopP = topP - 1e-6f });
        var drawn = new HashSet<int>();
        for (var i = 0; i < 500; i++)
        {
            drawn.Add(Sample(logits, state));
            state.Accept(0);
        }

        Assert.Equal(new[] { 10, 4, 5, 20 }.Take(kept).Order(), drawn.Order());
    }

    [Fact]
    public void A_draw_depends_on_seed_choice_and_position_and_not_on_what_was_sampled_before()
    {
        var logits = Logits();
        var alone = State(SamplingParams.Default, seed: 5, choice: 2);
        alone.Accept(1);
        var expected = Sample(logits, alone);

        for (var i = 0; i < 50; i++)
            Sample(Logits(i), State(new SamplingParams { TopK = 3 }, seed: i));
        var again = State(SamplingParams.Default, seed: 5, choice: 2);
        again.Accept(1);
        Assert.Equal(expected, Sample(logits, again));
    }

    [Fact]
    public void Logit_bias_is_added_before_everything_else()
    {
        var parameters = new SamplingParams { Temperature = 0, LogitBias = new Dictionary<int, float> { [17] = 100, [2] = -100 } };
        Assert.Equal(17, Sample(Logits(), State(parameters)));
    }

    [Fact]
    public void Repetition_penalty_divides_positive_and_multiplies_negative_logits_of_prompt_and_completion()
    {
        var state = State(new SamplingParams { RepetitionPenalty = 2 }, prompt: [0, 1]);
        state.Accept(2);
        float[] logits = [4, -4, 3, 5];
        state.Adjust(logits);
        Assert.Equal([2, -8, 1.5f, 5], logits);
    }

    [Fact]
    public void Frequency_and_presence_penalties_count_the_completion_only()
    {
        var state = State(new SamplingParams { FrequencyPenalty = 0.5f, PresencePenalty = 0.25f }, prompt: [0, 0, 3]);
        foreach (var token in new[] { 1, 1, 2 })
            state.Accept(token);
        float[] logits = [1, 1, 1, 1];
        state.Adjust(logits);
        Assert.Equal([1, -0.25f, 0.25f, 1], logits);
    }

    [Fact]
    public void The_steps_run_in_the_stated_order()
    {
        // Bias before repetition: (1 + 3) / 2 = 2, then 0.5 * 1 + 0.25 off.
        var parameters = new SamplingParams
        {
            LogitBias = new Dictionary<int, float> { [0] = 3 },
            RepetitionPenalty = 2,
            FrequencyPenalty = 0.5f,
            PresencePenalty = 0.25f,
        };
        var state = State(parameters);
        state.Accept(0);
        float[] logits = [1];
        state.Adjust(logits);
        Assert.Equal([1.25f], logits);
    }

    [Fact]
    public void No_end_token_is_drawn_before_the_minimum()
    {
        var logits = new float[Vocabulary];
        (logits[EndToken], logits[8], logits[9]) = (50, 40, 30);
        var state = State(new SamplingParams { Temperature = 0 }, new StopConditions { MinTokens = 1, TokenIds = [8] });
        Assert.Equal(9, Sample(logits, state));
        state.Accept(9);
        Assert.Equal(EndToken, Sample(logits, state));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void A_logit_that_is_no_finite_number_is_refused_wherever_it_stands(float bad)
    {
        for (var place = 0; place < Vocabulary; place++)
        {
            var logits = Logits();
            logits[place] = bad;
            Assert.False(_sampler.TrySample(logits, State(SamplingParams.Default), null, out _));
        }
    }

    [Fact]
    public void A_vocabulary_of_which_no_token_may_be_drawn_is_refused()
    {
        var sampler = new Sampler(1, [0]);
        Assert.False(sampler.TrySample(new float[1], State(SamplingParams.Default, new StopConditions { MinTokens = 1 }), null, out _));
    }

    [Fact]
    public void Extreme_parameters_still_give_a_token()
    {
        var smallest = new SamplingParams { Temperature = float.Epsilon, RepetitionPenalty = float.Epsilon, TopP = float.Epsilon, MinP = 1 };
        Assert.InRange(Sample(Logits(), State(smallest, prompt: [1, 2])), 0, Vocabulary - 1);
        var huge = Logits().Select(logit => logit * 1e37f).ToArray();
        Assert.InRange(Sample(huge, State(new SamplingParams { Temperature = 100 })), 0, Vocabulary - 1);
    }

    [Fact]
    public void Log_probabilities_are_of_the_raw_distribution_and_sum_to_one()
    {
        var logits = Logits();
        var parameters = new SamplingParams { Temperature = 0, LogitBias = new Dictionary<int, float> { [12] = 100 } };
        Assert.True(_sampler.TrySample([.. logits], State(parameters), new LogprobOptions(Vocabulary), out var sampled));
        var score = sampled.Score!.Value;
        Assert.Equal(1, score.Top.Sum(item => Math.Exp(item.Logprob)), 5);
        var expected = ReferenceDistribution.Of(logits, SamplingParams.Default);
        Assert.All(score.Top, item => Assert.Equal(Math.Log(expected[item.TokenId]), item.Logprob, 4));
        Assert.Equal(12, sampled.TokenId);
        Assert.Equal(Math.Log(expected[12]), score.Logprob, 4);
        Assert.Equal(expected.OrderByDescending(item => item.Value).Select(item => item.Key), score.Top.Select(item => item.TokenId));
    }

    [Fact]
    public void Equal_log_probabilities_are_listed_by_id() =>
        Assert.Equal([0, 1, 2], LogProbabilities.Score(new float[8], 5, 3).Top.Select(item => item.TokenId));

    [Fact]
    public void Sampling_a_token_allocates_nothing()
    {
        var logits = Logits();
        var scratch = new float[Vocabulary];
        var state = State(new SamplingParams { TopK = 20, TopP = 0.9f, MinP = 0.05f, TypicalP = 0.95f, FrequencyPenalty = 0.1f });
        for (var i = 0; i < 4000; i++)
            Draw();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 200; i++)
            Draw();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Draw()
        {
            logits.CopyTo(scratch, 0);
            _sampler.TrySample(scratch, state, null, out var sampled);
            state.Accept(sampled.TokenId);
        }
    }
}
