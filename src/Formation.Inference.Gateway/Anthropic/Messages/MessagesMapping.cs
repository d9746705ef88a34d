using System.Text.Json;
using Formation.Inference.Gateway.Anthropic.Conversations;
using Formation.Inference.Gateway.Formation.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.Anthropic.Messages;

/// <summary>Step 3 of the request path for messages: every parameter honoured, or refused by name.</summary>
internal static class MessagesMapping
{
    const int MaxUserIdLength = 512;

    internal static GenerationRequest ToGeneration(MessagesRequest body, string requestId, string accountId)
    {
        ExtraInputs.None(body.Unknown);
        string modelId = ModelId(body.Model);
        long maxTokens = Integer("max_tokens", body.MaxTokens, 1, int.MaxValue) ?? throw Missing("max_tokens");
        Refuse("container", body.Container, "The models here run no code.");
        Refuse("diagnostics", body.Diagnostics, "Prompts are cached by their content, and nothing is kept of earlier requests.");
        Refuse("inference_geo", body.InferenceGeo, "Where a model runs is its operator's to say.");
        CheckUnused(body);
        (ChatPrompt prompt, ToolUse? toolUse, OutputFormat? format) = ConversationMapping.Of(body);
        ReasoningOptions reasoning = ThinkingMapping.ToReasoning(body);
        if (reasoning.MaxTokens >= maxTokens)
            throw InvalidValue("thinking.budget_tokens", $"it is {reasoning.MaxTokens}, and has to be below 'max_tokens', which is {maxTokens}.");
        return new GenerationRequest
        {
            RequestId = requestId,
            ModelId = modelId,
            AccountId = accountId,
            Routing = FormationMapping.ToRouting(body.Formation),
            Prompt = prompt,
            Sampling = ToSampling(body),
            Stop = new StopConditions
            {
                MaxTokens = (int)maxTokens,
                EndsAtContext = true,
                Strings = StopStrings("stop_sequences", body.StopSequences),
            },
            Reasoning = reasoning,
            Format = format,
            ToolUse = toolUse,
        };
    }

    static SamplingParams ToSampling(MessagesRequest body)
    {
        SamplingParams standard = SamplingParams.Default;
        return new SamplingParams
        {
            Temperature = Decimal("temperature", body.Temperature, 0, 1) ?? standard.Temperature,

            // The API allows a mass of 0, which keeps the most probable token: so does the smallest mass there is.
            TopP = Math.Max(Decimal("top_p", body.TopP, 0, 1) ?? standard.TopP, float.Epsilon),
            TopK = (int)(Integer("top_k", body.TopK, 0, int.MaxValue) ?? standard.TopK),
        };
    }

    static void CheckUnused(MessagesRequest body)
    {
        if (body.Metadata is { } metadata)
        {
            ExtraInputs.None(metadata.Unknown, "metadata");
            Text("metadata.user_id", metadata.UserId, MaxUserIdLength);
        }

        OneOf("service_tier", body.ServiceTier, "auto", "standard_only");
    }
}
