using Formation.Inference.Gateway.Formation.Requests;
using Formation.Inference.Gateway.OpenAI.Parameters;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.Completions;

/// <summary>Step 3 of the request path for completions: every parameter of the API honoured, or refused by name; others are passed over.</summary>
internal static class CompletionMapping
{
    /// <summary>OpenAI's default for this endpoint.</summary>
    internal const int DefaultMaxTokens = 16;

    /// <summary>Choices that one request may have, all prompts together.</summary>
    internal const int MaxChoicesOfRequest = 1024;

    internal static CompletionPlan ToPlan(CompletionRequest body, string requestId, string accountId, IgnoredFields ignored)
    {
        ignored.Add(body.Unknown);
        string modelId = CommonMapping.ModelId(body);
        CommonMapping.UnusedIdentifier("user", body.User);

        bool echo = body.Echo ?? false;
        SensitiveText? suffix = Suffix(body, echo);
        int choices = CommonMapping.Choices(body);
        int candidates = BestOf(body, choices);
        long? logprobs = Integer("logprobs", body.Logprobs, 0, 5);
        IReadOnlyList<Prompt> prompts = CompletionPrompts.Of(body.Prompt);
        if ((long)prompts.Count * candidates > MaxChoicesOfRequest)
            throw InvalidValue(body.BestOf is null ? "n" : "best_of",
                $"{prompts.Count} prompts with {candidates} choices each are more than the {MaxChoicesOfRequest} that a request may have.");

        int maxTokens = (int)(Integer("max_tokens", body.MaxTokens, echo ? 0 : 1, int.MaxValue) ?? DefaultMaxTokens);
        SamplingParams sampling = SamplingMapping.ToSampling(body);
        StopConditions stop = SamplingMapping.ToStopConditions(body, maxTokens, "max_tokens");
        OutputFormat? format = FormatMapping.ToFormat(responseFormat: null, body.StructuredOutputs);
        LogprobOptions? reported = logprobs is { } top ? new LogprobOptions((int)top) : null;
        GenerationRequest[] requests = [.. prompts.Select((prompt, index) => new GenerationRequest
        {
            RequestId = prompts.Count == 1 ? requestId : $"{requestId}-{index}",
            ModelId = modelId,
            AccountId = accountId,
            Routing = FormationMapping.ToRouting(body.Formation),
            Prompt = suffix is { } behind ? new InfillPrompt(prompt, behind) : prompt,
            Sampling = sampling,
            Stop = stop,
            Format = format,
            Choices = candidates,
            Logprobs = reported ?? (candidates > choices ? new LogprobOptions(0) : null),
            EchoPrompt = echo,
        })];
        return new CompletionPlan(requests, choices, candidates, reported is null ? null : (int)logprobs!);
    }

    /// <summary>What stands behind the gap, or null where there is no gap: nothing stands behind the end of a text, as editors say at a file's end.</summary>
    static SensitiveText? Suffix(CompletionRequest body, bool echo)
    {
        if (string.IsNullOrEmpty(body.Suffix))
            return null;
        return echo
            ? throw InvalidValue("echo", "with 'suffix' the text that comes back fills the gap alone, so 'echo' must be false.")
            : body.Suffix;
    }

    static int BestOf(CompletionRequest body, int choices)
    {
        if (Integer("best_of", body.BestOf, 1, GenerationRequest.MaxChoices) is not { } bestOf)
            return choices;
        if (bestOf < choices)
            throw InvalidValue("best_of", $"it is {bestOf}, less than 'n', which is {choices}.");
        if (bestOf > choices && body.Stream == true)
            throw InvalidValue("best_of", "choosing among candidates needs all of them whole, so 'stream' must be false.");
        return (int)bestOf;
    }
}

/// <summary>What a request for completions asks of the backend, and of the answer.</summary>
/// <param name="Requests">One generation for each prompt.</param>
/// <param name="Choices">Choices to return for each prompt.</param>
/// <param name="Candidates">Choices to generate for each prompt; more than <paramref name="Choices"/> with <c>best_of</c>.</param>
/// <param name="Logprobs">Alternatives to list for each token, or null where log-probabilities were not asked for.</param>
internal sealed record CompletionPlan(IReadOnlyList<GenerationRequest> Requests, int Choices, int Candidates, int? Logprobs)
{
    internal string ModelId => Requests[0].ModelId;

    /// <summary>Where in the prompt's text, or after it, the first reported token of a prompt's choices stands, in code points.</summary>
    internal int FirstTextOffset(int prompt) => Requests[prompt] switch
    {
        { EchoPrompt: false, Prompt: TextPrompt text } => text.Text.Value.EnumerateRunes().Count(),
        { Prompt: InfillPrompt { Prefix: TextPrompt before } } => before.Text.Value.EnumerateRunes().Count(),
        _ => 0,
    };
}
