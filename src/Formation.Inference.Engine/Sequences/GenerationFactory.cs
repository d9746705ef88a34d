using Formation.Inference.Engine.Embeddings;
using Formation.Inference.Engine.Grammars;
using Formation.Inference.Engine.KvCache;
using Formation.Inference.Engine.Reasoning;
using Formation.Inference.Engine.Sampling;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Sequences;

/// <summary>
/// Makes the engine's record of a request, on the caller's thread: keys of the prompt's blocks, samplers, stop strings. A continued request
/// is brought to where it was when its reader had got what was delivered, as far as tokens tell; its positions are computed like those of a
/// sequence that was preempted.
/// </summary>
internal sealed class GenerationFactory(
    Tokenizer tokenizer, OutputGrammars grammars, ModelReasoning reasoning, PrefixHasher hasher, int contextLength, EngineOptions options, TimeProvider clock, Action wake)
{
    // Waiting sequences are taken in the order of their ids. One that was begun elsewhere arrived before all that have not begun: its reader
    // has waited already, and now looks at half a sentence.
    const long FirstContinuedId = -(1L << 40);

    long _nextContinuedId = FirstContinuedId;
    long _nextNewId;

    /// <param name="request">A request that fits the model.</param>
    /// <param name="prompt">Its tokens, fewer than the context has.</param>
    public Generation Create(GenerationRequest request, int[] prompt)
    {
        var delivered = request.Continuation?.Choices;
        var isBegun = delivered?.Any(choice => choice.TokenIds.Count > 0) == true;
        var firstId = (isBegun
            ? Interlocked.Add(ref _nextContinuedId, request.Choices)
            : Interlocked.Add(ref _nextNewId, request.Choices)) - request.Choices;
        var group = new SequenceGroup(
            firstId, request.AccountId, prompt, hasher.KeysOf(request.AccountId, prompt), request.Choices,
            delivered is null ? null : choice => delivered[choice].IsFinished)
        {
            NeedsPromptLogits = request is { EchoPrompt: true, Logprobs: not null } && prompt.Length > 1
                && delivered?.All(choice => choice.IsEchoed || choice.IsFinished) != true,
        };
        var maxTokens = Math.Min(request.Stop.MaxTokens ?? int.MaxValue, contextLength - prompt.Length);
        var seed = request.Sampling.Seed ?? options.NextSeed();
        var promptTokens = TokenCounts.PromptTokens(request.Sampling, prompt);
        var stopStrings = new StopStrings(request.Stop.Strings);
        var thoughts = reasoning.Of(request, prompt);
        var grammar = grammars.Of(request, thoughts);
        var textTokens = grammars.TextTokens(request.ToolUse, thoughts);
        var choices = new ChoiceOutput[request.Choices];
        for (var choice = 0; choice < choices.Length; choice++)
        {
            var text = grammar is null ? null : new GrammarText(grammar, Ends(request.Stop));
            var sampler = new SamplerState(request.Sampling, request.Stop, seed, choice, promptTokens, text, reasoning.Budget(request.Reasoning, thoughts));
            choices[choice] = new ChoiceOutput(tokenizer, request.Stop, stopStrings, sampler, textTokens, thoughts);
            if (delivered?[choice] is { IsFinished: false } before)
                Continue(group.Sequences[choice], choices[choice], before, maxTokens);
        }

        return new Generation
        {
            Request = request,
            Group = group,
            Choices = choices,
            Reasoning = thoughts,
            MaxTokens = maxTokens,
            Times = new GenerationTimes { Submitted = clock.GetTimestamp(), SubmittedAt = clock.GetUtcNow() },
            Wake = wake,
        };
    }

    /// <param name="request">A request that fits the model.</param>
    /// <param name="inputs">Its inputs as tokens, none of them longer than the context.</param>
    /// <param name="pooling">How the model pools.</param>
    /// <param name="width">Values of a row.</param>
    public Generation Create(EmbeddingRequest request, int[][] inputs, Pooling pooling, int width)
    {
        var work = new EmbeddingWork(
            request, [.. inputs.Select(tokens => (tokens, hasher.KeysOf(request.AccountId, tokens)))], pooling, width,
            maxAtOnce: Math.Max(1, options.Scheduler.MaxRunningSequences / 2));
        return new Generation
        {
            Request = new GenerationRequest
            {
                RequestId = request.RequestId,
                ModelId = request.ModelId,
                AccountId = request.AccountId,
                Prompt = request.Inputs[0],
                Choices = 0,
            },
            Group = work.TryBegin(NextId)!,
            Embedding = work,
            Choices = [],
            MaxTokens = 0,
            Times = new GenerationTimes { Submitted = clock.GetTimestamp(), SubmittedAt = clock.GetUtcNow() },
            Wake = wake,
        };
    }

    /// <summary>The id of a new sequence. Safe from any thread.</summary>
    public long NextId() => Interlocked.Increment(ref _nextNewId) - 1;

    static void Continue(Sequence sequence, ChoiceOutput output, ContinuedChoice before, int maxTokens)
    {
        // The token that reaches the limit, or that makes the text whole, is drawn again, and ends the choice as it did before.
        var count = Math.Min(before.TokenIds.Count, Math.Max(0, maxTokens - 1));
        for (var i = 0; i < count; i++)
        {
            if (i == before.TokenIds.Count - 1 && Completes(output.Sampler, before.TokenIds[i]))
                break;
            sequence.Append(before.TokenIds[i]);
            output.Replay(before.TokenIds[i]);
        }

        output.Skip(before.TokenIds.Count, before.TextLength);
    }

    /// <summary>Tokens that end a completion instead of adding to its text.</summary>
    int[] Ends(StopConditions stop) => stop.IgnoreEndOfGeneration ? [.. stop.TokenIds] : [.. tokenizer.EndOfGeneration, .. stop.TokenIds];

    static bool Completes(SamplerState sampler, int token)
    {
        try
        {
            return sampler.IsTextCompletedBy(token);
        }
        catch (GrammarException)
        {
            // The next draw meets it again, and fails the request.
            return false;
        }
    }
}
