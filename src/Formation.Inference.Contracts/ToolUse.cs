namespace Formation.Inference;

/// <summary>
/// How an answer may call the tools of its <see cref="ChatPrompt"/>. Calls come in the text, in the model's own syntax, which
/// <see cref="GenerationStarted.ToolCalls"/> tells; each has the name of a tool and arguments that its schema allows.
/// </summary>
/// <param name="Choice">Whether it must.</param>
public sealed record ToolUse(ToolChoice Choice)
{
    /// <summary>The only tool that may be called, or null for any.</summary>
    public string? Name { get; init; }

    /// <summary>Whether an answer may have several calls, where the model can write these.</summary>
    public bool IsParallel { get; init; } = true;
}

/// <summary>Whether an answer calls tools.</summary>
public enum ToolChoice
{
    /// <summary>The model decides: text, calls, or text and then calls.</summary>
    Auto,

    /// <summary>The answer is calls and nothing else.</summary>
    Required,
}
