using Formation.Inference.Engine.Grammars;
using Formation.Inference.Engine.Reasoning;
using Formation.Inference.Engine.Templates;
using Formation.Inference.Engine.Tokenization;
using Formation.Inference.Engine.Tokenization.Vocabularies;
using Formation.Inference.Engine.Tools;

namespace Formation.Inference.Engine.Serving;

/// <summary>
/// Step 5 of the request path, on the caller's thread: turns a prompt into tokens and checks what needs the model: ids in the vocabulary,
/// lengths in the context, whether the output can be held to its format.
/// </summary>
internal sealed class PromptEncoder(ServableModel model, int contextLength, TimeProvider clock)
{
    /// <summary>The request as the engine runs it: with what ends a turn of this model, where its vocabulary does not say, or what fills a gap.</summary>
    public GenerationRequest Complete(GenerationRequest request) => request switch
    {
        { Prompt: ChatPrompt } when model.TurnEnds.Count > 0 =>
            request with { Stop = request.Stop with { Strings = [.. request.Stop.Strings, .. model.TurnEnds] } },
        { Prompt: InfillPrompt, Stop.IgnoreEndOfGeneration: false } when model.Tokenizer.Infill is { Ends: var ends } =>
            request with { Stop = request.Stop with { TokenIds = [.. request.Stop.TokenIds, .. ends] } },
        _ => request,
    };

    /// <summary>The prompt's tokens, or why the request does not fit this model.</summary>
    public (int[] Tokens, GenerationError? Error) Encode(GenerationRequest request, CancellationToken cancellationToken)
    {
        if (CheckTokenIds(request) is { } outOfRange)
            return ([], outOfRange);
        if (request.Prompt is ChatPrompt && model.Template is null)
            return ([], EngineErrors.TemplateFailed(model.TemplateFault!));
        if (request.Prompt is InfillPrompt && model.Tokenizer.Infill is null)
            return ([], EngineErrors.CannotInfill(request.ModelId));
        try
        {
            var tokens = Tokens(request, cancellationToken);
            return (tokens, request.Choices == 0
                ? CheckCount(request.Prompt, tokens.Length)
                : CheckLength(request.Prompt, tokens.Length, request.Stop) ?? CheckContinuation(request, tokens.Length)
                    ?? CheckFormat(request, tokens, cancellationToken));
        }
        catch (TemplateException refusal)
        {
            return ([], EngineErrors.TemplateFailed(refusal.Message));
        }
    }

    /// <summary>A prompt's tokens, for whoever wants to see them: with the text that was given, or that a template or the tokens make.</summary>
    public GenerationDelta Show(Prompt prompt, int[] tokens)
    {
        var tokenizer = model.Tokenizer;
        var text = prompt is TextPrompt given ? given.Text : tokenizer.Decode(tokens, renderControl: true);
        return new GenerationDelta(0, text, Array.ConvertAll(tokens, token => new TokenLogprob(token, tokenizer.TokenBytes(token), null, [])
        {
            IsSpecial = !tokenizer.IsRendered(token),
        }))
        {
            IsEcho = true,
        };
    }

    int[] Tokens(GenerationRequest request, CancellationToken cancellationToken)
    {
        var tokenizer = model.Tokenizer;
        switch (request.Prompt)
        {
            case TokenPrompt given:
                return [.. given.TokenIds];
            case TextPrompt { Text.Value: var text }:
                return tokenizer.Encode(PromptText.Plain(text), addSpecial: true, MaxCounted, cancellationToken);
            case InfillPrompt infill:
                return Tokens(infill, tokenizer.Infill!, cancellationToken);
            case ChatPrompt chat:
                var tokens = tokenizer.Encode(Render(chat, request, cancellationToken), addSpecial: false, MaxCounted, cancellationToken);

                // Whether a template writes the BOS token itself differs; a prompt has exactly one where the vocabulary asks for it.
                var needsBos = tokenizer.AddBos && (tokens.Length == 0 || tokens[0] != tokenizer.Bos);
                return needsBos ? [tokenizer.Bos!.Value, .. tokens] : tokens;
            default:
                throw new ArgumentException($"A prompt of kind {request.Prompt.GetType().Name} is not known.", nameof(request));
        }
    }

    /// <summary>Both parts, each behind its mark, in the order that the model was taught.</summary>
    int[] Tokens(InfillPrompt infill, InfillMarks marks, CancellationToken cancellationToken)
    {
        var tokenizer = model.Tokenizer;
        int[] prefix = infill.Prefix switch
        {
            // The BOS token stands before the first mark, so the tokens before the gap don't begin with another one.
            TokenPrompt { TokenIds: var given } => [.. given.Skip(tokenizer.AddBos && given.FirstOrDefault(-1) == tokenizer.Bos ? 1 : 0)],
            TextPrompt { Text.Value: var text } => tokenizer.Encode(PromptText.Plain(text), addSpecial: false, MaxCounted, cancellationToken),
            _ => throw new ArgumentException($"A prefix of kind {infill.Prefix.GetType().Name} is not known.", nameof(infill)),
        };
        var suffix = tokenizer.EncodeContinuation(infill.Suffix.Value, Math.Max(0, MaxCounted - prefix.Length), cancellationToken);
        List<int> tokens = tokenizer.AddBos ? [tokenizer.Bos!.Value] : [];
        if (marks.IsSuffixFirst)
            tokens.AddRange([marks.Suffix, .. suffix, marks.Prefix, .. prefix]);
        else
            tokens.AddRange([marks.Prefix, .. prefix, marks.Suffix, .. suffix]);
        if (marks.Middle is { } middle)
            tokens.Add(middle);
        return [.. tokens];
    }

    // Twice the context is enough to say how far a prompt is above it; a longer one is not worth the time.
    int MaxCounted => (int)Math.Min(2L * contextLength, int.MaxValue);

    PromptText Render(ChatPrompt chat, GenerationRequest request, CancellationToken cancellationToken)
    {
        var tokenizer = model.Tokenizer;
        if (ToolWords.AreNeededFor(chat) && !model.KnowsTools)
            chat = ToolWords.Rewrite(chat);
        var input = new ChatTemplateInput
        {
            Messages = chat.Messages,
            Tools = chat.Tools,
            AddGenerationPrompt = chat.AddGenerationPrompt,
            Variables = ModelReasoning.Variables(chat, request.Reasoning),
            BosToken = tokenizer.NameOf(tokenizer.Bos),
            EosToken = tokenizer.NameOf(tokenizer.Eos),
            TimeProvider = request.TemplateTime is { } shown ? new StandingClock(shown) : clock,
        };
        var opened = model.Reasoning.Close(model.Template!.Render(input, cancellationToken), chat, request.Reasoning);
        return chat.AssistantPrefix is { Value: var prefix } ? opened with { Text = opened.Text + prefix } : opened;
    }

    /// <summary>What is only counted need not fit the context; what is longer than is counted has no count.</summary>
    GenerationError? CheckCount(Prompt prompt, int promptTokens) => promptTokens switch
    {
        0 => EngineErrors.EmptyPrompt(),
        _ when promptTokens > MaxCounted => EngineErrors.PromptTooLong(prompt, promptTokens, isCountCut: true, contextLength),
        _ => null,
    };

    GenerationError? CheckLength(Prompt prompt, int promptTokens, StopConditions stop)
    {
        if (promptTokens == 0)
            return EngineErrors.EmptyPrompt();
        if (promptTokens > contextLength || (promptTokens == contextLength && stop.MaxTokens != 0))
            return EngineErrors.PromptTooLong(prompt, promptTokens, promptTokens > MaxCounted, contextLength);
        if (!stop.EndsAtContext && stop.MaxTokens is { } completion && (long)promptTokens + completion > contextLength)
            return EngineErrors.CompletionTooLong(prompt, promptTokens, completion, contextLength);
        return null;
    }

    GenerationError? CheckContinuation(GenerationRequest request, int promptTokens)
    {
        if (request.Continuation is not { Choices: var choices })
            return null;
        if (choices.Count != request.Choices)
            return EngineErrors.ContinuationUnfit("it tells of another number of choices than the request has");
        if (choices.All(choice => choice.IsFinished))
            return EngineErrors.ContinuationUnfit("all choices have ended");
        var most = Math.Min(request.Stop.MaxTokens ?? int.MaxValue, contextLength - promptTokens);
        return choices.Any(choice => choice.TokenIds.Count > most)
            ? EngineErrors.ContinuationUnfit("a choice has more tokens than the request allows or the context has room for")
            : null;
    }

    GenerationError? CheckFormat(GenerationRequest request, int[] tokens, CancellationToken cancellationToken)
    {
        try
        {
            model.Grammars.Of(request, model.Reasoning.Of(request, tokens), cancellationToken);
            return null;
        }
        catch (GrammarException refusal)
        {
            var reason = refusal.Message.TrimEnd('.');
            return request.ToolUse is null ? EngineErrors.FormatRefused(reason) : EngineErrors.ToolsRefused(reason);
        }
    }

    GenerationError? CheckTokenIds(GenerationRequest request)
    {
        var vocabulary = model.Tokenizer.VocabularySize;
        if ((request.Prompt is InfillPrompt infill ? infill.Prefix : request.Prompt) is TokenPrompt prompt
            && FirstOutside(prompt.TokenIds) is { } inPrompt)
            return EngineErrors.TokenOutOfRange("The prompt", inPrompt, vocabulary, nameof(GenerationRequest.Prompt));
        if (request.Sampling.LogitBias is { } bias && FirstOutside(bias.Keys) is { } inBias)
            return EngineErrors.TokenOutOfRange("The logit bias", inBias, vocabulary, nameof(SamplingParams.LogitBias));
        if (FirstOutside(request.Stop.TokenIds) is { } inStop)
            return EngineErrors.TokenOutOfRange("The stop condition", inStop, vocabulary, nameof(StopConditions.TokenIds));
        foreach (var choice in request.Continuation?.Choices ?? [])
            if (FirstOutside(choice.TokenIds) is { } inChoice)
                return EngineErrors.TokenOutOfRange("The continuation", inChoice, vocabulary, nameof(GenerationRequest.Continuation));
        return null;

        int? FirstOutside(IEnumerable<int> ids)
        {
            foreach (var id in ids)
                if ((uint)id >= (uint)vocabulary)
                    return id;
            return null;
        }
    }
}
