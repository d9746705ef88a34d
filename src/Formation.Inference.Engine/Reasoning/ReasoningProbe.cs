using System.Text.Json;
using System.Text.RegularExpressions;
using Formation.Inference.Engine.Templates;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Reasoning;

/// <summary>
/// Finds out how a model writes its train of thought, by having its chat template write one, open one, or take one out of an earlier turn.
/// </summary>
internal static partial class ReasoningProbe
{
    // No template writes these by itself.
    private const string Thought = "probe_thought", Answer = "probe_answer";

    /// <summary>The white space that models put behind a thought where their template does not show it.</summary>
    private const string UsualGap = "\n\n";

    // What templates that only open a thought, or only take one out, do not tell both ends of.
    private static readonly (string Opening, string Closing)[] KnownTags =
    [
        ("<think>", "</think>"), ("[THINK]", "[/THINK]"), ("<thinking>", "</thinking>"), ("<thought>", "</thought>"), ("<reasoning>", "</reasoning>"),
        ("<seed:think>", "</seed:think>"), ("<|START_THINKING|>", "<|END_THINKING|>"),
    ];

    /// <summary>How the thoughts of a template's model stand in its text, or null where it knows none.</summary>
    public static ReasoningSyntax? Find(ChatTemplate template, Tokenizer tokenizer) => Find(template, InputFor(tokenizer));

    /// <summary>Whether a template tells its model how much effort it is to make: prompts for little and for much are not the same.</summary>
    public static bool TakesEffort(ChatTemplate template, Tokenizer tokenizer) => TakesEffort(template, InputFor(tokenizer));

    /// <summary>The same.</summary>
    /// <param name="template">The template.</param>
    /// <param name="input">What it is rendered with besides the conversation.</param>
    public static bool TakesEffort(ChatTemplate template, ChatTemplateInput input)
    {
        return For(Little) != For(Much);

        string? For(JsonElement effort)
        {
            try
            {
                var variables = new Dictionary<string, JsonElement> { [ReasoningVariables.Effort] = effort };
                return template.Render(input with { Messages = [new ChatMessage("user", "x")], Variables = variables, AddGenerationPrompt = true }).Text;
            }
            catch (TemplateException)
            {
                return null;
            }
        }
    }

    private static readonly JsonElement Little = JsonElement.Parse("\"low\""), Much = JsonElement.Parse("\"high\"");

    private static ChatTemplateInput InputFor(Tokenizer tokenizer) => new()
    {
        Messages = [],
        BosToken = tokenizer.NameOf(tokenizer.Bos),
        EosToken = tokenizer.NameOf(tokenizer.Eos),
        TimeProvider = new StandingClock(DateTimeOffset.UnixEpoch),
    };

    /// <summary>The same.</summary>
    /// <param name="template">The template.</param>
    /// <param name="input">What it is rendered with besides the conversation.</param>
    public static ReasoningSyntax? Find(ChatTemplate template, ChatTemplateInput input)
    {
        ChatMessage question = new("user", "x"), answer = new("assistant", Answer);
        if (Render(true, question) is not { } prompt)
            return null;
        var written = Render(false, question, answer with { ReasoningContent = Thought });
        return Written(prompt, written) ?? KnownTags.Select(tags => Known(tags.Opening, tags.Closing)).FirstOrDefault(found => found is not null);

        ReasoningSyntax? Known(string opening, string closing)
        {
            var thinks = answer with { Content = $"{opening}\n{Thought}\n{closing}{UsualGap}{Answer}" };
            return prompt.TrimEnd().EndsWith(opening, StringComparison.Ordinal) || IsTakenOut(Render(true, question, thinks, question)) || IsClosed()
                ? new ReasoningSyntax(opening, closing, UsualGap)
                : null;

            // Told not to think, it opens and closes a thought itself.
            bool IsClosed() => RenderWith(true, ReasoningVariables.For(false), [question]) is { } quiet
                && quiet.TrimEnd().EndsWith(closing, StringComparison.Ordinal) && !prompt.TrimEnd().EndsWith(closing, StringComparison.Ordinal);
        }

        static bool IsTakenOut(string? text) => text is not null && text.Contains(Answer, StringComparison.Ordinal) && !text.Contains(Thought, StringComparison.Ordinal);

        string? Render(bool opens, params ChatMessage[] messages) => RenderWith(opens, null, messages);

        string? RenderWith(bool opens, IReadOnlyDictionary<string, JsonElement>? variables, ChatMessage[] messages)
        {
            try
            {
                return template.Render(input with { Messages = messages, Variables = variables, AddGenerationPrompt = opens }).Text;
            }
            catch (TemplateException)
            {
                return null;
            }
        }
    }

    /// <summary>Finds it in what a template makes of a turn with a thought, given for itself, and an answer.</summary>
    private static ReasoningSyntax? Written(string prompt, string? written)
    {
        if (written is null)
            return null;
        var (thought, answer) = (written.LastIndexOf(Thought, StringComparison.Ordinal), written.LastIndexOf(Answer, StringComparison.Ordinal));
        if (thought < 0 || answer < thought)
            return null;

        // A thought that is open at the end of the prompt has its opening there.
        var before = written.StartsWith(prompt, StringComparison.Ordinal) && prompt.Length <= thought ? written[prompt.Length..thought].Trim() : "";
        var opening = before.Length > 0 ? before : LastTag().Match(written[..thought].TrimEnd()).Value;
        var between = written[(thought + Thought.Length)..answer];
        var closing = between.Trim();
        return opening.Length == 0 || closing.Length == 0 || opening.Any(char.IsWhiteSpace) || closing.Any(char.IsWhiteSpace)
            ? null
            : new ReasoningSyntax(opening, closing, between[between.TrimEnd().Length..]);
    }

    [GeneratedRegex(@"(<[^<>\s]+>|\[[^\[\]\s]+\])$", RegexOptions.CultureInvariant)]
    private static partial Regex LastTag();
}
