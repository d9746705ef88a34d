using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.HuggingFace.TextGeneration;

/// <summary>Step 3 of the request path for Text Generation Inference: every parameter honoured, or refused by name.</summary>
/// <param name="nextSeed">Gives a seed to a request that draws and has none: the service tells the one that it chose.</param>
internal sealed class GenerateMapping(Func<ulong> nextSeed)
{
    internal const int MaxBestOf = 16, MaxTopTokens = 20;

    /// <param name="body">The body.</param>
    /// <param name="modelId">The model it is sent to.</param>
    /// <param name="requestId">The request.</param>
    /// <param name="accountId">Whose it is.</param>
    /// <param name="isStream">Whether events are sent as they come.</param>
    internal GeneratePlan ToPlan(GenerateRequest body, string modelId, string requestId, string accountId, bool isStream)
    {
        GenerateParameters given = body.Parameters ?? new GenerateParameters();
        if (body.Inputs is not { } inputs)
            throw Missing("inputs");
        if (inputs.Length == 0)
            throw InvalidValue("inputs", "it is empty; send a text.");
        if (given.AdapterId is not null)
            throw Unsupported("adapter_id", "The models here have no adapters; leave it out.");
        if (given.Watermark == true)
            throw Unsupported("watermark", "Texts are not marked here; leave it out or send false.");

        bool draws = Draws(given);
        int bestOf = BestOf(given, draws, isStream);
        bool showsPrompt = given.DecoderInputDetails ?? false;
        if (showsPrompt && isStream)
            throw InvalidValue("decoder_input_details", "a stream does not have it; ask for a whole answer.");
        bool details = showsPrompt || (given.Details ?? false);
        int topTokens = (int)(Integer("top_n_tokens", given.TopNTokens, 0, MaxTopTokens) ?? 0);
        ulong? seed = given.Seed ?? (draws && bestOf == 1 ? nextSeed() : null);
        return new GeneratePlan(new GenerationRequest
        {
            RequestId = requestId,
            ModelId = modelId,
            AccountId = accountId,
            Prompt = new TextPrompt(inputs),
            Sampling = ToSampling(given, draws, seed),
            Stop = new StopConditions
            {
                MaxTokens = (int?)Integer("max_new_tokens", given.MaxNewTokens, 1, int.MaxValue),
                Strings = StopStrings("stop", given.Stop),
            },
            Format = given.Grammar is { } grammar ? GrammarMapping.ToFormat(grammar) : null,
            Choices = bestOf,

            // Tokens are told by streams and details, and the best of several texts is chosen by them.
            Logprobs = isStream || details || bestOf > 1 ? new LogprobOptions(topTokens) : null,
            EchoPrompt = showsPrompt,
        })
        {
            HasDetails = details,
            Prefix = given.ReturnFullText == true ? inputs : "",
            Seed = draws ? seed : null,
            Truncate = (int?)Integer("truncate", given.Truncate, 1, int.MaxValue),
        };
    }

    /// <summary>The service's name of a part of the request that the engine finds fault with, or null where it has none.</summary>
    internal static string? ParameterName(string part) => part switch
    {
        nameof(GenerationRequest.Prompt) => "inputs",
        nameof(GenerationRequest.Format) => "grammar",
        nameof(StopConditions.MaxTokens) or "Stop.MaxTokens" => "max_new_tokens",
        nameof(GenerationRequest.EchoPrompt) => "decoder_input_details",
        nameof(GenerationRequest.Logprobs) => "top_n_tokens",
        _ => null,
    };

    /// <summary>What asks for draws: to say so, or to say how. A temperature of 1 changes nothing, and does not.</summary>
    static bool Draws(GenerateParameters given) =>
        given.DoSample == true || given.Temperature is not (null or 1) || given.TopK is not null || given.TopP is not null || given.TypicalP is not null;

    static int BestOf(GenerateParameters given, bool draws, bool isStream)
    {
        int bestOf = (int)(Integer("best_of", given.BestOf, 1, MaxBestOf) ?? 1);
        if (bestOf == 1)
            return bestOf;
        if (isStream)
            throw InvalidValue("best_of", "a stream has one text; leave it out, or ask for a whole answer.");
        if (!draws)
            throw InvalidValue("best_of", "several texts are only made where tokens are drawn; send 'do_sample': true.");
        if (given.Seed is not null)
            throw InvalidValue("seed", "several texts begin with different seeds; leave it or 'best_of' out.");
        return bestOf;
    }

    static SamplingParams ToSampling(GenerateParameters given, bool draws, ulong? seed)
    {
        SamplingParams standard = SamplingParams.Default;
        float temperature = Decimal("temperature", given.Temperature, 0, 100, aboveMinimum: true) ?? standard.Temperature;
        return new SamplingParams
        {
            Temperature = draws ? temperature : 0,
            TopK = (int)(Integer("top_k", given.TopK, 1, int.MaxValue) ?? standard.TopK),
            TopP = BelowOne("top_p", given.TopP) ?? standard.TopP,
            TypicalP = BelowOne("typical_p", given.TypicalP) ?? standard.TypicalP,
            RepetitionPenalty = Decimal("repetition_penalty", given.RepetitionPenalty, 0, 10, aboveMinimum: true) ?? standard.RepetitionPenalty,
            FrequencyPenalty = Decimal("frequency_penalty", given.FrequencyPenalty, -2, 2) ?? standard.FrequencyPenalty,
            Seed = unchecked((long?)seed),
        };
    }

    static float? BelowOne(string param, double? value)
    {
        float? mass = Decimal(param, value, 0, 1, aboveMinimum: true);
        return value < 1 || value is null ? mass : throw InvalidValue(param, "it is 1, and must be less; leave it out to keep all tokens.");
    }
}
