using System.Text.RegularExpressions;

namespace Formation.Inference;

/// <summary>
/// How a model writes calls of tools into its text: <c>Opening Name Between Arguments After</c>, then for each further call <c>Separator Name Between
/// Arguments After</c>, then <c>End</c>. Arguments are a JSON object.
/// </summary>
/// <param name="Opening">All before the first call's name.</param>
/// <param name="Between">Between a call's name and its arguments.</param>
/// <param name="After">Behind a call's arguments.</param>
/// <param name="Separator">All between two calls, up to the second one's name; null where the model writes one call only.</param>
/// <param name="End">Behind the last call.</param>
public sealed partial record ToolCallSyntax(string Opening, string Between, string After, string? Separator, string End)
{
    /// <summary>
    /// The first part of <see cref="Opening"/> that no other text has: a tag, or a word in brackets. Null where a call begins as other text may (with a
    /// brace): then only the beginning of an answer tells it.
    /// </summary>
    public string? Sign => Signs().Match(Opening) is { Success: true, Value: var sign } ? sign : null;

    /// <summary>That of models that have none of their own, which are told of it: a JSON object in a tag for each call (as Hermes and Qwen write them).</summary>
    public static ToolCallSyntax Default { get; } = new(
        "<tool_call>\n{\"name\": \"", "\", \"arguments\": ", "}\n</tool_call>", "\n<tool_call>\n{\"name\": \"", "");

    [GeneratedRegex(@"^(<[^<>\s={]+[>=]|\[[A-Z_]+\])", RegexOptions.CultureInvariant)]
    private static partial Regex Signs();
}
