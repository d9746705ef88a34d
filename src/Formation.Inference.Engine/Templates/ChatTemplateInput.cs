using System.Text.Json;

namespace Formation.Inference.Engine.Templates;

/// <summary>What a chat template is rendered with.</summary>
public sealed record ChatTemplateInput
{
    /// <summary>The conversation, given to the template as <c>messages</c>.</summary>
    public required IReadOnlyList<ChatMessage> Messages { get; init; }

    /// <summary>
    /// Tool definitions as the caller sent them (an array), given as <c>tools</c>; null or an empty array is Jinja's none.
    /// </summary>
    public JsonElement? Tools { get; init; }

    /// <summary>Whether the template opens the assistant's turn (<c>add_generation_prompt</c>).</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>Text of the model's BOS token (<c>bos_token</c>), or null for the empty string. It may hold control tokens.</summary>
    public string? BosToken { get; init; }

    /// <summary>Text of the model's EOS token (<c>eos_token</c>), or null for the empty string. It may hold control tokens.</summary>
    public string? EosToken { get; init; }

    /// <summary>
    /// Further variables of the request (<c>chat_template_kwargs</c>), or null. What they hold is text, never control tokens.
    /// </summary>
    public IReadOnlyDictionary<string, JsonElement>? Variables { get; init; }

    /// <summary>The clock behind <c>strftime_now</c>.</summary>
    public required TimeProvider TimeProvider { get; init; }
}
