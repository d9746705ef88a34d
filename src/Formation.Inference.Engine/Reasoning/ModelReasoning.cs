using System.Text.Json;
using Formation.Inference.Engine.Templates;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Reasoning;

/// <summary>The train of thought of one model: how it stands in answers, and whether a prompt leaves room for one.</summary>
internal sealed class ModelReasoning
{
    // More than any opening and closing with white space around them has.
    private const int TailTokens = 64;

    private readonly Tokenizer _tokenizer;
    private readonly Lazy<ReasoningSyntax?> _syntax;
    private readonly Lazy<int[]> _closing;

    /// <param name="template">The model's, or null where it has none that works.</param>
    /// <param name="tokenizer">The model's.</param>
    public ModelReasoning(ChatTemplate? template, Tokenizer tokenizer)
    {
        _tokenizer = tokenizer;
        _syntax = new Lazy<ReasoningSyntax?>(() => template is null ? null : ReasoningProbe.Find(template, tokenizer));
        _closing = new Lazy<int[]>(() => tokenizer.Encode(PromptText.Trusted($"\n{Syntax!.Closing}{Syntax.Gap}"), addSpecial: false));
    }

    /// <summary>How thoughts stand in the model's text, or null where it has none.</summary>
    public ReasoningSyntax? Syntax => _syntax.Value;

    /// <summary>How a thought stands in the answers to a request, or null where these begin with what the model says.</summary>
    /// <param name="request">The request.</param>
    /// <param name="prompt">Its tokens.</param>
    public ReasoningSyntax? Of(GenerationRequest request, ReadOnlySpan<int> prompt)
    {
        if (request.Prompt is not ChatPrompt { AddGenerationPrompt: true, AssistantPrefix: null } || Syntax is not { } syntax)
            return null;
        var end = _tokenizer.Decode(prompt[Math.Max(0, prompt.Length - TailTokens)..], renderControl: true).AsSpan().TrimEnd();
        return end.EndsWith(syntax.Closing, StringComparison.Ordinal) ? null
            : syntax with { IsOpen = end.EndsWith(syntax.Opening, StringComparison.Ordinal) };
    }

    /// <summary>What a choice's thought may have, or null for as much as it likes.</summary>
    public ReasoningBudget? Budget(ReasoningOptions? options, ReasoningSyntax? syntax) => options?.MaxTokens is { } most && syntax is not null
        ? new ReasoningBudget(most, syntax, _closing.Value, _tokenizer)
        : null;

    /// <summary>The variables that a prompt's template is rendered with.</summary>
    public static IReadOnlyDictionary<string, JsonElement>? Variables(ChatPrompt chat, ReasoningOptions? options) =>
        options?.IsWanted is { } isWanted ? ReasoningVariables.Add(chat.TemplateVariables, isWanted) : chat.TemplateVariables;

    /// <summary>
    /// Ends a thought that a template has opened where none is wanted, or where the beginning of the answer is given; and puts an empty one before the
    /// answer of a model that would begin one all the same.
    /// </summary>
    public PromptText Close(PromptText opened, ChatPrompt chat, ReasoningOptions? options)
    {
        if (!chat.AddGenerationPrompt || Syntax is not { } syntax)
            return opened;
        var end = opened.Text.AsSpan().TrimEnd();
        if (end.EndsWith(syntax.Opening, StringComparison.Ordinal))
            return options?.IsWanted == false || chat.AssistantPrefix is not null ? Append(opened, $"\n{syntax.Closing}{syntax.Gap}") : opened;
        return options?.IsWanted == false && !end.EndsWith(syntax.Closing, StringComparison.Ordinal)
            ? Append(opened, $"{syntax.Opening}\n\n{syntax.Closing}{syntax.Gap}")
            : opened;
    }

    private static PromptText Append(PromptText text, string more) =>
        new(text.Text + more, [.. text.ControlRanges, new TextRange(text.Text.Length, more.Length)]);
}
