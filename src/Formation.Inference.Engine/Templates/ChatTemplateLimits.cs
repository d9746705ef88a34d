namespace Formation.Inference.Engine.Templates;

/// <summary>
/// What a template may use. Templates come with model files and are hostile until proven otherwise; the defaults are far above what
/// published templates need, and bound a render to about a second of one core and somewhat over a hundred megabytes.
/// </summary>
public sealed record ChatTemplateLimits
{
    public static ChatTemplateLimits Default { get; } = new();

    /// <summary>UTF-16 code units of the template's source.</summary>
    public int MaxSourceLength { get; init; } = 512 * 1024;

    /// <summary>Levels of nested tags and expressions, and operators chained in one expression.</summary>
    public int MaxParseDepth { get; init; } = 128;

    /// <summary>
    /// Work of one render: one step for every node evaluated and every element visited, several for every object made, and one for every
    /// <see cref="CharactersPerStep"/> code units read or written.
    /// </summary>
    public long MaxSteps { get; init; } = 5_000_000;

    /// <summary>Levels of evaluation at one time: nested nodes, macro calls and recursive loops together.</summary>
    public int MaxDepth { get; init; } = 800;

    /// <summary>UTF-16 code units of the rendered prompt.</summary>
    public int MaxOutputLength { get; init; } = 8 * 1024 * 1024;

    /// <summary>UTF-16 code units of one string while rendering.</summary>
    public int MaxStringLength { get; init; } = 8 * 1024 * 1024;

    /// <summary>Elements of one list, range or mapping.</summary>
    public int MaxCollectionSize { get; init; } = 200_000;

    /// <summary>Levels of lists and mappings in tools, tool calls and variables.</summary>
    public int MaxDataDepth { get; init; } = 64;

    /// <summary>Bits of an integer; Python's integers have no bound of their own.</summary>
    public int MaxIntegerBits { get; init; } = 4096;

    /// <summary>Code units read or written that cost one step.</summary>
    public const int CharactersPerStep = 8;
}
