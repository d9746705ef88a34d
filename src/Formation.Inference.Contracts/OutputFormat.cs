namespace Formation.Inference;

/// <summary>
/// What the text of each choice must be, from its first character (behind a train of thought) to its last. It is held to it while it is drawn, so that what comes is always a
/// beginning of such a text, and all of one where the choice ends by itself (<see cref="FinishReason.Stop"/>, no stop string found); a choice ends
/// as soon as nothing can follow.
/// </summary>
/// <param name="Kind">How <paramref name="Source"/> is to be read.</param>
/// <param name="Source">The description, at most <see cref="MaxSourceLength"/> UTF-16 code units. What of it can't be held is refused by the engine.</param>
public sealed record OutputFormat(OutputFormatKind Kind, SensitiveText Source)
{
    /// <summary>Upper limit of a description's length.</summary>
    public const int MaxSourceLength = 256 * 1024;

    /// <summary>Any JSON object.</summary>
    public static OutputFormat JsonObject { get; } = new(OutputFormatKind.JsonObject, "");
}

/// <summary>The languages that describe an <see cref="OutputFormat"/>.</summary>
public enum OutputFormatKind
{
    /// <summary>Any JSON object; the source is empty.</summary>
    JsonObject,

    /// <summary>JSON that a schema allows; the source is the schema (JSON Schema, draft 2020-12).</summary>
    JsonSchema,

    /// <summary>The whole text matches a regular expression (ECMA-262).</summary>
    Pattern,

    /// <summary>A grammar in GBNF, whose rule <c>root</c> is the whole text.</summary>
    Grammar,

    /// <summary>One of some texts; the source is a JSON array of strings.</summary>
    Choice,
}
