using Formation.Inference.Engine.KvCache;
using Formation.Inference.Engine.Sampling;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Sequences;

/// <summary>Makes the engine's record of a request, on the caller's thread: keys of the prompt's blocks, samplers, stop strings.</summary>
internal sealed class GenerationFactory(
    Tokenizer tokenizer, PrefixHasher hasher, int contextLength, EngineOptions options, TimeProvider clock, Action wake)
{
    long _nextSequenceId;

    /// <param name="request">A request that fits the model.</param>
    /// <param name="prompt">Its tokens, fewer than the context has.</param>
    public Generation Create(GenerationRequest request, int[] prompt)
    {
        var firstId = Interlocked.Add(ref _nextSequenceId, request.Choices) - request.Choices;
        var group = new SequenceGroup(firstId, request.AccountId, prompt, hasher.KeysOf(request.AccountId, prompt), request.Choices)
        {
            NeedsPromptLogits = request is { EchoPrompt: true, Logprobs: not null } && prompt.Length > 1,
        };
        var seed = request.Sampling.Seed ?? options.NextSeed();
        var promptTokens = TokenCounts.PromptTokens(request.Sampling, prompt);
        var stopStrings = new StopStrings(request.Stop.Strings);
        var choices = new ChoiceOutput[request.Choices];
        for (var choice = 0; choice < choices.Length; choice++)
        {
            var sampler = new SamplerState(request.Sampling, request.Stop, seed, choice, promptTokens);
            choices[choice] = new ChoiceOutput(tokenizer, request.Stop, stopStrings, sampler);
        }

        return new Generation
        {
            Request = request,
            Group = group,
            Choices = choices,
            MaxTokens = Math.Min(request.Stop.MaxTokens ?? int.MaxValue, contextLength - prompt.Length),
            Times = new GenerationTimes { Submitted = clock.GetTimestamp(), SubmittedAt = clock.GetUtcNow() },
            Wake = wake,
        };
    }
}
