using System.Globalization;
using System.Text.Json;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.Parameters;

/// <summary>Step 3 for what both endpoints share: sampling and stop conditions, checked and in the engine's terms.</summary>
internal static class SamplingMapping
{
    internal const int MaxStopTokenIds = 64;
    internal const int MaxLogitBiases = 1024;

    internal static SamplingParams ToSampling(GenerationFields fields)
    {
        SamplingParams standard = SamplingParams.Default;
        return new SamplingParams
        {
            Temperature = Decimal("temperature", fields.Temperature, 0, 2) ?? standard.Temperature,

            // OpenAI allows a mass of 0, which keeps the most probable token: so does the smallest mass there is.
            TopP = Math.Max(Decimal("top_p", fields.TopP, 0, 1) ?? standard.TopP, float.Epsilon),

            // -1 is another spelling of "off" that is common.
            TopK = Math.Max(0, (int)(Integer("top_k", fields.TopK, -1, int.MaxValue) ?? standard.TopK)),
            MinP = Decimal("min_p", fields.MinP, 0, 1) ?? standard.MinP,
            TypicalP = Decimal("typical_p", fields.TypicalP, 0, 1, aboveMinimum: true) ?? standard.TypicalP,
            RepetitionPenalty =
                Decimal("repetition_penalty", fields.RepetitionPenalty, 0, 10, aboveMinimum: true) ?? standard.RepetitionPenalty,
            FrequencyPenalty = Decimal("frequency_penalty", fields.FrequencyPenalty, -2, 2) ?? standard.FrequencyPenalty,
            PresencePenalty = Decimal("presence_penalty", fields.PresencePenalty, -2, 2) ?? standard.PresencePenalty,
            LogitBias = fields.LogitBias is { } bias ? LogitBias(bias) : null,
            Seed = fields.Seed,
        };
    }

    /// <param name="fields">The request.</param>
    /// <param name="maxTokens">The token limit, which the endpoints name and default differently.</param>
    /// <param name="maxTokensName">Its name.</param>
    internal static StopConditions ToStopConditions(GenerationFields fields, int? maxTokens, string maxTokensName)
    {
        int minTokens = (int)(Integer("min_tokens", fields.MinTokens, 0, int.MaxValue) ?? 0);
        if (minTokens > maxTokens)
            throw InvalidValue("min_tokens", $"it is {minTokens}, more than '{maxTokensName}', which is {maxTokens}.");
        return new StopConditions
        {
            MaxTokens = maxTokens,
            MinTokens = minTokens,
            Strings = fields.Stop is { } stop ? StopStrings(stop) : [],
            TokenIds = fields.StopTokenIds is { } ids ? TokenIds("stop_token_ids", ids, MaxStopTokenIds) : [],
            IgnoreEndOfGeneration = fields.IgnoreEos ?? false,
        };
    }

    internal static int[] TokenIds(string param, List<long> ids, int maxCount)
    {
        Count(param, ids.Count, 0, maxCount);
        var checkedIds = new int[ids.Count];
        for (int i = 0; i < checkedIds.Length; i++)
            checkedIds[i] = (int)Integer($"{param}[{i}]", ids[i], 0, int.MaxValue)!;
        return checkedIds;
    }

    static string[] StopStrings(JsonElement stop)
    {
        if (stop.ValueKind == JsonValueKind.String)
            return [StopString("stop", stop)];
        if (stop.ValueKind != JsonValueKind.Array)
            throw InvalidType("stop", "a string or an array of strings", stop);
        Count("stop", stop.GetArrayLength(), 0, MaxStopStrings);
        return [.. stop.EnumerateArray().Select((item, index) => StopString($"stop[{index}]", item))];
    }

    static string StopString(string param, JsonElement item) =>
        ParameterChecks.StopString(param, JsonWords.TryGetString(item) ?? throw InvalidType(param, "a string", item));

    static Dictionary<int, float> LogitBias(JsonElement bias)
    {
        if (bias.ValueKind != JsonValueKind.Object)
            throw InvalidType("logit_bias", "an object from token ids to biases", bias);
        var biases = new Dictionary<int, float>();
        foreach (JsonProperty entry in bias.EnumerateObject())
        {
            string name = JsonWords.TryGetName(entry) ?? "";
            if (!int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int id))
                throw InvalidValue("logit_bias", $"'{Shorten(name)}' is not a token id (a whole number from 0 on).");
            if (entry.Value.ValueKind != JsonValueKind.Number)
                throw InvalidType($"logit_bias.{id}", "a decimal", entry.Value);
            if (biases.Count == MaxLogitBiases)
                throw InvalidValue("logit_bias", $"it has more than {MaxLogitBiases} entries, which is the limit.");
            if (!biases.TryAdd(id, Decimal($"logit_bias.{id}", entry.Value.GetDouble(), -100, 100)!.Value))
                throw InvalidValue("logit_bias", $"the token id {id} is given more than once.");
        }

        return biases;
    }
}
