using System.Text.Json;
using Formation.Inference.Gateway.OpenAI.Completions;
using Formation.Inference.Gateway.OpenAI.Parameters;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.HuggingFace.TextGeneration;

/// <summary>
/// Parameters of Text Generation Inference in a request for completions: the official client sends text generation there, and its parameters along as
/// they are. What changes the text is honoured or refused; what only asks for details is passed over, as the client reads none of it.
/// </summary>
internal static class ClientParameters
{
    internal static void Apply(CompletionRequest body)
    {
        if (body.Unknown is not { Count: > 0 } unknown)
            return;
        if (Take("watermark") is { ValueKind: JsonValueKind.True })
            throw Unsupported("watermark", "Texts are not marked here; leave it out or send false.");
        if (Take("adapter_id") is { ValueKind: not JsonValueKind.Null })
            throw Unsupported("adapter_id", "The models here have no adapters; leave it out.");
        if (Take("truncate") is { ValueKind: not JsonValueKind.Null })
            throw Unsupported("truncate", "Completions read the whole prompt; leave it out, or use /generate.");
        if (Take("return_full_text") is { } full)
            body.Echo ??= Flag("return_full_text", full);
        if (Take("grammar") is { ValueKind: not JsonValueKind.Null } grammar)
            body.StructuredOutputs = body.StructuredOutputs is null
                ? ToFields(GrammarMapping.ToFormat(grammar))
                : throw InvalidValue("grammar", $"'{FormatMapping.StructuredOutputsName}' asks for a format, too; send one of them.");

        // Nothing else asks for draws, so none are made; the API's own default would make them.
        if (Take("do_sample") is { } draws && Flag("do_sample", draws) == false && body is { TopK: null, TopP: null, TypicalP: null })
            body.Temperature ??= 0;

        JsonElement? Take(string name) => unknown.Remove(name, out JsonElement value) ? value : null;
    }

    static bool? Flag(string param, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Null => null,
        _ => throw InvalidType(param, "a boolean", value),
    };

    static StructuredOutputsFields ToFields(OutputFormat format) => format.Kind == OutputFormatKind.Pattern
        ? new StructuredOutputsFields { Regex = format.Source.Value }
        : new StructuredOutputsFields { Json = JsonElement.Parse(format.Source.Value) };
}
