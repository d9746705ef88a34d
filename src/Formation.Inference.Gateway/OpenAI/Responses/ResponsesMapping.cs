using System.Text.Json;
using Formation.Inference.Gateway.Formation.Requests;
using Formation.Inference.Gateway.OpenAI.Answers;
using Formation.Inference.Gateway.OpenAI.Parameters;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.Responses;

/// <summary>Step 3 of the request path for responses: every parameter honoured, accepted without effect, or refused by name.</summary>
internal static class ResponsesMapping
{
    const string MaxTokensName = "max_output_tokens";
    const string LogprobsIncluded = "message.output_text.logprobs";
    const int MaxInstructionsLength = 1 << 20;

    /// <summary>The names of the parameters that this request uses.</summary>
    internal static ParameterNames Names(ResponsesRequest body) => new(
        "input", MaxTokensName, body.StructuredOutputs is null ? FormatMapping.TextFormatName : FormatMapping.StructuredOutputsName);

    /// <summary>Finds fault with what needs neither the conversation nor the model.</summary>
    /// <param name="body">The request.</param>
    /// <param name="keeps">Whether this server keeps responses.</param>
    /// <param name="ignored">Gets the fields that the API does not have.</param>
    internal static void Check(ResponsesRequest body, bool keeps, IgnoredFields ignored)
    {
        ignored.Add(body.Unknown);
        ignored.Add(body.Text?.Unknown, "text");
        ignored.Add(body.Reasoning?.Unknown, "reasoning");
        ignored.Add(body.StreamOptions?.Unknown, "stream_options");
        RefuseUnsupported(body);
        CommonMapping.UnusedIdentifier("user", body.User);
        CommonMapping.UnusedIdentifier("safety_identifier", body.SafetyIdentifier);
        CommonMapping.UnusedIdentifier("prompt_cache_key", body.PromptCacheKey);
        CommonMapping.OnlyUsual(body.PromptCacheRetention, body.ServiceTier, "text.verbosity", body.Text?.Verbosity);
        Integer("max_tool_calls", body.MaxToolCalls, 1, int.MaxValue);
        OneOf("truncation", body.Truncation, "auto", "disabled");
        OneOf("reasoning.summary", body.Reasoning?.Summary, "auto", "concise", "detailed");
        OneOf("reasoning.generate_summary", body.Reasoning?.GenerateSummary, "auto", "concise", "detailed");
        if (body.Metadata is { } metadata)
            MetadataRules.Check(metadata);
        if (body.StreamOptions is { } options)
        {
            if (body.Stream != true)
                throw InvalidValue("stream_options", "it is only allowed when 'stream' is true.");
            if (options.IncludeObfuscation == true)
                throw UnsupportedValue("stream_options.include_obfuscation", "events are not padded here; leave it out or send false.");
        }

        if (body.Store == true && !keeps)
            throw UnsupportedValue("store", "this server keeps no responses; leave it out or send false, and send the whole conversation with each request.");
        if (body.Background == true && !keeps)
            throw UnsupportedValue("background", "this server keeps no responses; leave it out or send false, and 'stream' for a long answer.");
        if (body.Background == true && body.Store == false)
            throw InvalidValue("background", "a response in the background has to be kept; leave 'store' out or send true.");
        Text("instructions", body.Instructions, MaxInstructionsLength);
    }

    internal static GenerationRequest ToGeneration(
        ResponsesRequest body, IReadOnlyList<ChatMessage> messages, ResponseTools tools, string requestId, string accountId)
    {
        int? maxTokens = (int?)Integer(MaxTokensName, body.MaxOutputTokens, 1, int.MaxValue);
        return new GenerationRequest
        {
            RequestId = requestId,
            ModelId = CommonMapping.ModelId(body),
            AccountId = accountId,
            Routing = FormationMapping.ToRouting(body.Formation),
            Prompt = new ChatPrompt(messages)
            {
                Tools = tools.Template,
                TemplateVariables = CommonMapping.TemplateVariables("reasoning.effort", body.Reasoning?.Effort, body.ChatTemplateKwargs),
            },
            Reasoning = CommonMapping.Reasoning(body.Reasoning?.Effort, Integer("thinking_token_budget", body.ThinkingTokenBudget, 1, int.MaxValue)),
            Sampling = SamplingMapping.ToSampling(body),
            Stop = SamplingMapping.ToStopConditions(body, maxTokens, MaxTokensName),
            Format = Format(body),
            ToolUse = tools.Use,
            Logprobs = Logprobs(body),
        };
    }

    /// <summary>The response as it is when the request was taken.</summary>
    internal static ResponseObject Begin(ResponsesRequest body, AnswerHeader header, ResponseTools tools, bool isKept) => new()
    {
        Id = header.Id,
        CreatedAt = header.Created,
        Status = body.Background == true ? ResponseStatus.Queued : ResponseStatus.InProgress,
        Background = body.Background == true,
        Instructions = body.Instructions,
        MaxOutputTokens = body.MaxOutputTokens,
        MaxToolCalls = body.MaxToolCalls,
        Model = header.Model,
        Output = [],
        ParallelToolCalls = body.ParallelToolCalls ?? true,
        PreviousResponseId = body.PreviousResponseId,
        PromptCacheKey = body.PromptCacheKey,
        PromptCacheRetention = body.PromptCacheRetention,
        Reasoning = new ReasoningEcho(body.Reasoning?.Effort, null),
        SafetyIdentifier = body.SafetyIdentifier,
        Store = isKept,
        Temperature = body.Temperature ?? 1,
        Text = new TextEcho(FormatEcho(body.Text?.Format), "medium"),
        ToolChoice = body.ToolChoice ?? JsonText.ToElement("auto"),
        Tools = tools.Echo,
        TopLogprobs = body.TopLogprobs ?? 0,
        TopP = body.TopP ?? 1,
        Truncation = body.Truncation ?? "disabled",
        User = body.User,
        Metadata = body.Metadata ?? Empty,
    };

    static JsonElement Empty { get; } = JsonElement.Parse("{}"u8);

    static JsonElement TextFormat { get; } = JsonElement.Parse("""{"type":"text"}"""u8);

    // What clients expect of a schema's format is there, whatever the request left out.
    static JsonElement FormatEcho(JsonElement? format) =>
        format is not { } given ? TextFormat
        : given.GetProperty("type").GetString() != "json_schema" || (given.TryGetProperty("strict", out _) && given.TryGetProperty("description", out _)) ? given
        : JsonText.Build(json =>
        {
            json.WriteStartObject();
            foreach (JsonProperty property in given.EnumerateObject())
                property.WriteTo(json);
            if (!given.TryGetProperty("description", out _))
                json.WriteNull("description");
            if (!given.TryGetProperty("strict", out _))
                json.WriteBoolean("strict", true);
            json.WriteEndObject();
        });

    static OutputFormat? Format(ResponsesRequest body)
    {
        OutputFormat? format = body.Text?.Format is { } given ? FormatMapping.OfTextFormat(given) : null;
        OutputFormat? structured = FormatMapping.ToFormat(null, body.StructuredOutputs);
        return format is not null && structured is not null
            ? throw InvalidValue(FormatMapping.StructuredOutputsName, $"'{FormatMapping.TextFormatName}' asks for a format, too; send one of them.")
            : format ?? structured;
    }

    static LogprobOptions? Logprobs(ResponsesRequest body)
    {
        bool included = false;
        for (int i = 0; i < (body.Include?.Count ?? 0); i++)
            switch (body.Include![i])
            {
                case LogprobsIncluded:
                    included = true;
                    break;
                case "reasoning.encrypted_content":
                    // Thoughts come in the clear, in the items' content, and are taken back so.
                    break;
                case "file_search_call.results" or "web_search_call.results" or "web_search_call.action.sources" or "message.input_image.image_url"
                    or "computer_call_output.output.image_url" or "code_interpreter_call.outputs":
                    throw UnsupportedValue($"include[{i}]", $"there is no '{body.Include[i]}' here; leave it out.");
                default:
                    throw InvalidValue($"include[{i}]", $"'{Shorten(body.Include[i] ?? "null")}'. Supported values are: '{LogprobsIncluded}', 'reasoning.encrypted_content'.");
            }

        long? top = Integer("top_logprobs", body.TopLogprobs, 0, 20);
        // OpenAI's clients ask for alternatives without including them: whoever wants alternatives wants log-probabilities.
        return included || top > 0 ? new LogprobOptions((int)(top ?? 0)) : null;
    }

    static void RefuseUnsupported(ResponsesRequest body)
    {
        Refuse("conversation", body.Conversation, "There are no conversations here; go on with 'previous_response_id'.");
        Refuse("prompt", body.Prompt, "There are no prompt templates here; send 'input' and 'instructions'.");
        Refuse("context_management", body.ContextManagement, "Conversations are not compacted here; 'truncation' leaves out what does not fit.");
        Refuse("moderation", body.Moderation, "This server does not moderate.");
        Refuse("prompt_cache_options", body.PromptCacheOptions, "Prompts are cached automatically, for as long as there is room.");

        // Chat's words, with which a request would do something else than its author thinks.
        Refuse("messages", body.Messages, "In the Responses API it is 'input'.");
        Refuse("response_format", body.ResponseFormat, "In the Responses API it is 'text.format'.");
        if (body.MaxTokens is not null)
            throw Unsupported("max_tokens", "In the Responses API it is 'max_output_tokens'.");
        if (body.N is not null and not 1)
            throw Unsupported("n", "A response is one answer; send several requests.");
    }
}
