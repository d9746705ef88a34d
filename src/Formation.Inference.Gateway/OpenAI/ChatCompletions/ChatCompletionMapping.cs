using System.Text.Json;
using Formation.Inference.Gateway.Formation.Requests;
using Formation.Inference.Gateway.OpenAI.Parameters;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.ChatCompletions;

/// <summary>Step 3 of the request path for chat: every parameter of the API honoured, or refused by name; others are passed over.</summary>
internal static class ChatCompletionMapping
{
    /// <param name="body">The request.</param>
    /// <param name="requestId">Its id.</param>
    /// <param name="accountId">Who asks.</param>
    /// <param name="keeps">Whether this server keeps completions.</param>
    /// <param name="ignored">Gets the fields that the API does not have.</param>
    internal static GenerationRequest ToGeneration(ChatCompletionRequest body, string requestId, string accountId, bool keeps, IgnoredFields ignored)
    {
        ignored.Add(body.Unknown);
        if (body.Store == true && !keeps)
            throw UnsupportedValue("store", "this server keeps no completions; leave it out or send false.");
        string modelId = CommonMapping.ModelId(body);
        RefuseUnsupported(body);
        CheckUnused(body);
        (int? maxTokens, string maxTokensName) = MaxTokens(body);
        (JsonElement? tools, ToolUse? toolUse) = ToolsMapping.Of(body);
        return new GenerationRequest
        {
            RequestId = requestId,
            ModelId = modelId,
            AccountId = accountId,
            Routing = FormationMapping.ToRouting(body.Formation),
            Prompt = new ChatPrompt(MessageMapping.ToMessages(body.Messages, ignored))
            {
                Tools = tools,
                AddGenerationPrompt = body.AddGenerationPrompt ?? true,
                TemplateVariables = CommonMapping.TemplateVariables("reasoning_effort", body.ReasoningEffort, body.ChatTemplateKwargs),
            },
            Reasoning = CommonMapping.Reasoning(body.ReasoningEffort, Integer("thinking_token_budget", body.ThinkingTokenBudget, 1, int.MaxValue)),
            Sampling = SamplingMapping.ToSampling(body),
            Stop = SamplingMapping.ToStopConditions(body, maxTokens, maxTokensName),
            Format = FormatMapping.ToFormat(body.ResponseFormat, body.StructuredOutputs),
            ToolUse = toolUse,
            Choices = CommonMapping.Choices(body),
            Logprobs = Logprobs(body),
        };
    }

    /// <summary>The names of the parameters that this request uses.</summary>
    internal static ParameterNames Names(ChatCompletionRequest body) => new(
        "messages", MaxTokensName(body), body.StructuredOutputs is null ? FormatMapping.ResponseFormatName : FormatMapping.StructuredOutputsName);

    static string MaxTokensName(ChatCompletionRequest body) =>
        body.MaxTokens is not null && body.MaxCompletionTokens is null ? "max_tokens" : "max_completion_tokens";

    static (int? Value, string Name) MaxTokens(ChatCompletionRequest body)
    {
        long? old = Integer("max_tokens", body.MaxTokens, 1, int.MaxValue);
        long? current = Integer("max_completion_tokens", body.MaxCompletionTokens, 1, int.MaxValue);
        if (old is not null && current is not null && old != current)
            throw InvalidValue("max_tokens", $"it is {old}, and its replacement 'max_completion_tokens' is {current}; send one of them.");
        return ((int?)(current ?? old), MaxTokensName(body));
    }

    static LogprobOptions? Logprobs(ChatCompletionRequest body)
    {
        long? top = Integer("top_logprobs", body.TopLogprobs, 0, 20);
        if (body.Logprobs == true)
            return new LogprobOptions((int)(top ?? 0));
        if (top is > 0)
            throw InvalidValue("top_logprobs", "it is only allowed when 'logprobs' is true.");
        return null;
    }

    static void RefuseUnsupported(ChatCompletionRequest body)
    {
        Refuse("functions", body.Functions, "It is the older form of 'tools'; send these.");
        Refuse("function_call", body.FunctionCall, "It is the older form of 'tool_choice'; send that, and 'tools'.");
        Refuse("audio", body.Audio, "The models here write text only.");
        Refuse("web_search_options", body.WebSearchOptions, "This server does not search the web.");
        Refuse("moderation", body.Moderation, "This server does not moderate.");
        Refuse("prompt_cache_options", body.PromptCacheOptions, "Prompts are cached automatically, for as long as there is room.");
        if (body.Modalities is { } modalities)
            CheckModalities(modalities);
    }

    static void CheckModalities(JsonElement modalities)
    {
        if (modalities.ValueKind != JsonValueKind.Array)
            throw InvalidType("modalities", "an array of strings", modalities);
        if (modalities.GetArrayLength() != 1 || !IsString(modalities[0], "text"))
            throw UnsupportedValue("modalities", "the models here write text only; leave it out or send [\"text\"].");
    }

    static void CheckUnused(ChatCompletionRequest body)
    {
        if (body.Prediction is { } prediction)
            CheckPrediction(prediction);
        CommonMapping.UnusedIdentifier("user", body.User);
        CommonMapping.UnusedIdentifier("safety_identifier", body.SafetyIdentifier);
        CommonMapping.UnusedIdentifier("prompt_cache_key", body.PromptCacheKey);
        CommonMapping.OnlyUsual(body.PromptCacheRetention, body.ServiceTier, "verbosity", body.Verbosity);
        if (body.Metadata is { } metadata)
            MetadataRules.Check(metadata);
    }

    /// <summary>What the answer may say: it changes how fast an answer comes and never what it is, and here it changes nothing.</summary>
    static void CheckPrediction(JsonElement prediction)
    {
        if (prediction.ValueKind != JsonValueKind.Object)
            throw InvalidType("prediction", "an object", prediction);
        OneOf("prediction.type", RequireString(prediction, "type", "prediction"), "content");
        ContentParts.ToText(Require(prediction, "content", "prediction"), allowRefusal: false, "prediction.content", new IgnoredFields());
    }

    static bool IsString(JsonElement value, string expected) => JsonWords.TryGetString(value) == expected;
}
