using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Formation.Inference;

/// <summary>What a model is asked to continue.</summary>
public abstract record Prompt
{
    private protected Prompt() { }
}

/// <summary>
/// Plain text, tokenized as it is: what looks like a special token in it is text. The model's own rule decides on a BOS token.
/// </summary>
public sealed record TextPrompt(SensitiveText Text) : Prompt;

/// <summary>Token ids, used as they are: no BOS is added.</summary>
public sealed record TokenPrompt(IReadOnlyList<int> TokenIds) : Prompt;

/// <summary>
/// A text with a gap: the model is asked for what stands between its two parts. Only models with tokens for that (fill-in-the-middle) can be asked;
/// the engine puts these, and a BOS token where the model wants one, around the parts.
/// </summary>
/// <param name="Prefix">What stands before the gap, maybe nothing: a <see cref="TextPrompt"/> or a <see cref="TokenPrompt"/>.</param>
/// <param name="Suffix">What stands behind the gap; what looks like a special token in it is text.</param>
public sealed record InfillPrompt(Prompt Prefix, SensitiveText Suffix) : Prompt
{
    /// <summary>What stands before the gap.</summary>
    public Prompt Prefix { get; } = Prefix is TextPrompt or TokenPrompt
        ? Prefix
        : throw new ArgumentException("What stands before a gap is a text or tokens.", nameof(Prefix));
}

/// <summary>A conversation, rendered with the model's chat template on the head node.</summary>
/// <param name="Messages">At least one message.</param>
public sealed record ChatPrompt(IReadOnlyList<ChatMessage> Messages) : Prompt
{
    /// <summary>Tool definitions as the caller sent them (JSON Schema functions), or null. Given to the template as <c>tools</c>.</summary>
    public JsonElement? Tools { get; init; }

    /// <summary>Whether the template opens the assistant's turn (<c>add_generation_prompt</c>).</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>
    /// The beginning of the assistant's turn, which the model goes on with, or null. Stands behind what the template opens the turn with, as plain
    /// text; it is part of the prompt and not of the answer. Only where <see cref="AddGenerationPrompt"/> is set.
    /// </summary>
    public SensitiveText? AssistantPrefix { get; init; }

    /// <summary>Further variables for the template (<c>chat_template_kwargs</c>), or null.</summary>
    public IReadOnlyDictionary<string, JsonElement>? TemplateVariables { get; init; }

    // The tools are the caller's text, which no string form shows.
    protected override bool PrintMembers(StringBuilder text)
    {
        text.Append(CultureInfo.InvariantCulture, $"Messages = {Messages.Count}, HasTools = {Tools is not null}");
        return true;
    }
}

/// <summary>One turn of a conversation.</summary>
/// <param name="Role"><c>system</c>, <c>developer</c>, <c>user</c>, <c>assistant</c> or <c>tool</c>.</param>
/// <param name="Content">The turn's text; null where an assistant only called tools.</param>
public sealed record ChatMessage(string Role, SensitiveText? Content)
{
    /// <summary>The participant's name, or null.</summary>
    public string? Name { get; init; }

    /// <summary>What an assistant thought before it said this, or null. Whether the model sees it again is its template's choice.</summary>
    public SensitiveText? ReasoningContent { get; init; }

    /// <summary>An assistant's tool calls as the caller sent them (OpenAI's shape, an array), or null.</summary>
    public JsonElement? ToolCalls { get; init; }

    /// <summary>For role <c>tool</c>: the call that this answers.</summary>
    public string? ToolCallId { get; init; }

    // Names and calls are the caller's text, too, which no string form shows.
    private bool PrintMembers(StringBuilder text)
    {
        text.Append(CultureInfo.InvariantCulture, $"Role = {Role}, Content = {Content}, HasToolCalls = {ToolCalls is not null}");
        return true;
    }
}
