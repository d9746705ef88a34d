namespace Formation.Inference.Contracts.Tests;

public class DefaultsTests
{
    [Fact]
    public void Sampling_by_default_changes_nothing_of_the_models_distribution()
    {
        var sampling = SamplingParams.Default;
        Assert.Equal(
            (1f, 0, 1f, 0f, 1f, 1f, 0f, 0f),
            (sampling.Temperature, sampling.TopK, sampling.TopP, sampling.MinP, sampling.TypicalP, sampling.RepetitionPenalty,
                sampling.FrequencyPenalty, sampling.PresencePenalty));
        Assert.Null(sampling.LogitBias);
        Assert.Null(sampling.Seed);
    }

    [Fact]
    public void A_choice_ends_by_default_where_the_model_or_its_context_ends()
    {
        var stop = StopConditions.Default;
        Assert.Null(stop.MaxTokens);
        Assert.Empty(stop.Strings);
        Assert.Empty(stop.TokenIds);
        Assert.False(stop.IgnoreEndOfGeneration);
    }

    [Fact]
    public void A_request_asks_for_one_choice_without_echo_or_log_probabilities()
    {
        var request = new GenerationRequest { RequestId = "r", ModelId = "m", AccountId = "a", Prompt = new TextPrompt("p") };
        Assert.Equal(1, request.Choices);
        Assert.False(request.EchoPrompt);
        Assert.Null(request.Logprobs);
    }
}
