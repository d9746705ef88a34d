using System.Text.Json;

namespace Formation.Inference.Engine.Grammars;

/// <summary>Reads what a request says of its output's format.</summary>
internal static class FormatGrammar
{
    // Deeper schemas are refused by their own limit; this one only bounds the reader.
    private static readonly JsonDocumentOptions Json = new() { MaxDepth = 256 };

    /// <summary>The grammar of a format.</summary>
    /// <exception cref="GrammarException">It is no valid description, or one of something that no grammar can hold.</exception>
    /// <exception cref="OperationCanceledException">Nobody waits for it any more.</exception>
    public static GrammarDefinition Of(OutputFormat format, CancellationToken cancellationToken) => format.Kind switch
    {
        OutputFormatKind.JsonObject => JsonGrammar.Object,
        OutputFormatKind.JsonSchema => Parsed(format, "the schema", schema => JsonSchemaGrammar.Of(schema, cancellationToken)),
        OutputFormatKind.Pattern => GrammarDefinition.Of(RegexParser.Whole(format.Source.Value)),
        OutputFormatKind.Grammar => GbnfParser.Parse(format.Source.Value),
        OutputFormatKind.Choice => Parsed(format, "the list of choices", list => ChoiceGrammar.Of(Texts(list))),
        _ => throw new GrammarException($"formats of kind {(int)format.Kind} are not known here"),
    };

    private static GrammarDefinition Parsed(OutputFormat format, string what, Func<JsonElement, GrammarDefinition> read)
    {
        try
        {
            using var document = JsonDocument.Parse(format.Source.Value, Json);
            return read(document.RootElement);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            throw new GrammarException($"{what} is not valid JSON (half a surrogate pair is no text), or more than {Json.MaxDepth} levels deep");
        }
    }

    private static List<string> Texts(JsonElement list)
    {
        if (list.ValueKind != JsonValueKind.Array || list.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.String))
            throw new GrammarException("the list of choices is not an array of strings");
        return [.. list.EnumerateArray().Select(item => item.GetString()!)];
    }
}
