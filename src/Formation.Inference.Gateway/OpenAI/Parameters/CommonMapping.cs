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
}
