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
public sealed record ToolCallSyntax(string Opening, string Between, string After, string? Separator, string End)
{
    /// <summary>That of models that have none of their own, which are told of it: a JSON object in a tag for each call (as Hermes and Qwen write them).</summary>
    public static ToolCallSyntax Default { get; } = new(
        "<tool_call>\n{\"name\": \"", "\", \"arguments\": ", "}\n</tool_call>", "\n<tool_call>\n{\"name\": \"", "");
}
