using System.Text.Json;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.Parameters;

/// <summary>Step 3 for the rest of what both endpoints share.</summary>
internal static class CommonMapping
{
    const int MaxIdentifierLength = 512;

    /// <summary>The model's id; that there is such a model is checked against the catalogue.</summary>
    internal static string ModelId(GenerationFields fields) => ParameterChecks.ModelId(fields.Model);

    internal static int Choices(GenerationFields fields) => (int)(Integer("n", fields.N, 1, GenerationRequest.MaxChoices) ?? 1);

    /// <summary>Whether a last chunk reports the usage.</summary>
    internal static bool IncludeUsage(GenerationFields fields)
    {
        if (fields.StreamOptions is not { } options)
            return false;
        NoneUnknown(options.Unknown, "stream_options");
        if (fields.Stream != true)
            throw InvalidValue("stream_options", "it is only allowed when 'stream' is true.");
        if (options.IncludeObfuscation == true)
            throw UnsupportedValue("stream_options.include_obfuscation", "chunks are not padded here; leave it out or send false.");
        return options.IncludeUsage ?? false;
    }

    /// <summary>An identifier that is accepted for compatibility and used for nothing.</summary>
    internal static void UnusedIdentifier(string param, string? value) => Text(param, value, MaxIdentifierLength);

    /// <summary>Checks the parameters that say how a request is to be treated and where this server has one way only.</summary>
    internal static void OnlyUsual(string? retention, string? tier, string verbosityName, string? verbosity)
    {
        OneOf("prompt_cache_retention", retention, "in_memory", "in-memory", "24h");
        if (retention == "24h")
            throw UnsupportedValue("prompt_cache_retention", "prompts are cached in memory, for as long as there is room; leave it out.");
        OneOf("service_tier", tier, "auto", "default", "flex", "scale", "priority");
        if (tier is "flex" or "scale" or "priority")
            throw UnsupportedValue("service_tier", $"there is no tier '{tier}' here; leave it out or send 'auto'.");
        OneOf(verbosityName, verbosity, "low", "medium", "high");
        if (verbosity is "low" or "high")
            throw UnsupportedValue(verbosityName, "the models here have no such setting; leave it out or send 'medium'.");
    }

    /// <summary>Whether an effort asks the model to think: any but none does.</summary>
    /// <param name="effort">The effort, or null for the model's own.</param>
    /// <param name="maxTokens">Tokens that the thought may have, or null.</param>
    internal static ReasoningOptions? Reasoning(string? effort, long? maxTokens = null) => effort is null && maxTokens is null
        ? null
        : new ReasoningOptions { IsWanted = effort is null ? null : effort != "none", MaxTokens = (int?)maxTokens };

    /// <summary>Templates of reasoning models read the effort as a variable of this name; others have no effort to set.</summary>
    /// <param name="param">What the dialect calls the effort.</param>
    /// <param name="effort">The effort, or null.</param>
    /// <param name="more">Further variables, or null.</param>
    internal static IReadOnlyDictionary<string, JsonElement>? TemplateVariables(string param, string? effort, Dictionary<string, JsonElement>? more)
    {
        OneOf(param, effort, "none", "minimal", "low", "medium", "high", "xhigh", "max");
        if (effort is null)
            return more;
        var variables = new Dictionary<string, JsonElement>(more ?? [], StringComparer.Ordinal);
        if (!variables.TryAdd("reasoning_effort", JsonText.ToElement(effort)))
            throw InvalidValue(param, "it is given in 'chat_template_kwargs' too; send one of them.");
        return variables;
    }
}
