using System.Text;
using System.Text.Json;
using Formation.Inference.Engine.Templates;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Tools;

/// <summary>
/// Finds out how a model writes calls of tools, by having its chat template write some: what a template makes of an earlier turn's calls is what the
/// model was trained to write. So no list of model families is needed, and one that is not known yet works.
/// </summary>
internal static class ToolCallProbe
{
    // Nine letters and digits: some templates refuse ids of another length. No template writes any of these by itself.
    private const string FirstName = "probe_alpha", SecondName = "probe_omega", Key = "probe_key", FirstId = "pRobE0001", SecondId = "pRobE0002", Answer = "probe_answer";

    private const string Tools = $$$"""
        [{"type":"function","function":{"name":"{{{FirstName}}}","description":"x",
        "parameters":{"type":"object","properties":{"{{{Key}}}":{"type":"string","description":"x"}},"required":["{{{Key}}}"]} } }]
        """;

    /// <summary>The syntax of the calls of a model's template, or null where it knows none.</summary>
    public static ToolCallSyntax? Find(ChatTemplate template, Tokenizer tokenizer)
    {
        var input = new ChatTemplateInput { Messages = [], BosToken = tokenizer.NameOf(tokenizer.Bos), EosToken = tokenizer.NameOf(tokenizer.Eos), TimeProvider = new StandingClock(DateTimeOffset.UnixEpoch) };
        return Find(template, input, [.. tokenizer.EndOfGeneration.Select(end => tokenizer.NameOf(end)!)]);
    }

    /// <summary>The syntax of a template's calls.</summary>
    /// <param name="template">The template.</param>
    /// <param name="input">What it is rendered with besides the conversation.</param>
    /// <param name="endTexts">Names of the tokens that end a generation.</param>
    /// <returns>The syntax, or null where the template does not show tools to the model, or writes no calls that can be told from text.</returns>
    public static ToolCallSyntax? Find(ChatTemplate template, ChatTemplateInput input, IReadOnlyCollection<string> endTexts)
    {
        using var tools = JsonDocument.Parse(Tools);
        input = input with { Tools = tools.RootElement };
        var question = new ChatMessage("user", "x");
        // What the model sees before it writes, and what it is to have written then.
        if (Render([question], opens: true) is not { } prompt || !prompt.Contains(FirstName, StringComparison.Ordinal))
            return null;
        if (Written(Render([question, Calls((FirstName, FirstId))], opens: false)) is not { } one)
            return null;
        // What it writes before any answer (an empty train of thought) is none of a call's.
        var plain = Written(Render([question, new ChatMessage("assistant", Answer)], opens: false)) ?? "";
        var before = plain[..Math.Max(0, plain.IndexOf(Answer, StringComparison.Ordinal))];
        if (FirstCall(Behind(before, one)) is not { } first)
            return null;
        var two = Written(Render([question, Calls((FirstName, FirstId), (SecondName, SecondId))], opens: false));
        return two is null ? first : WithSecond(first, Behind(before, two));

        string? Render(IReadOnlyList<ChatMessage> messages, bool opens)
        {
            try
            {
                return template.Render(input with { Messages = messages, AddGenerationPrompt = opens }).Text;
            }
            catch (TemplateException)
            {
                return null;
            }
        }

        // Without the prompt before it, and without what ends the turn.
        string? Written(string? whole)
        {
            if (whole is null || !whole.StartsWith(prompt, StringComparison.Ordinal))
                return null;
            var text = whole[prompt.Length..];
            var ends = endTexts.Select(end => text.IndexOf(end, StringComparison.Ordinal)).Where(at => at >= 0);
            return ends.Any() ? text[..ends.Min()] : text;
        }
    }

    private static string Behind(string before, string text) => text.StartsWith(before, StringComparison.Ordinal) ? text[before.Length..] : text;

    private static ToolCallSyntax? FirstCall(string text)
    {
        var name = text.IndexOf(FirstName, StringComparison.Ordinal);
        if (name <= 0 || Arguments(text, name) is not var (from, to))
            return null;
        var opening = text[..name];
        var after = WithoutId(text[to..], FirstId);
        // What can't be told from text, or from the end of the arguments, is no syntax to go by.
        return string.IsNullOrWhiteSpace(opening) ? null : new ToolCallSyntax(opening, text[(name + FirstName.Length)..from], after.TrimEnd(), null, "");
    }

    // Between the first call's arguments and the second one's name stand what is behind a call, what separates two, and what is before a call: told
    // apart by what the text of one call has there.
    private static ToolCallSyntax WithSecond(ToolCallSyntax one, string text)
    {
        if (Arguments(text, one.Opening.Length) is not var (_, to))
            return one;
        var second = text.IndexOf(SecondName, to, StringComparison.Ordinal);
        if (second < 0 || Arguments(text, second) is not var (from, end) || text[(second + SecondName.Length)..from] != one.Between)
            return one;
        var gap = WithoutId(text[to..second], FirstId);
        var behind = one.After.AsSpan().CommonPrefixLength(gap);
        return WithoutId(text[end..], SecondId).TrimEnd() == one.After
            ? one with { After = one.After[..behind], Separator = gap[behind..], End = one.After[behind..] }
            : one;
    }

    /// <summary>Where the arguments behind a place begin and end: the JSON object that has the probe's key.</summary>
    private static (int From, int To)? Arguments(string text, int behind)
    {
        var key = text.IndexOf(Key, behind, StringComparison.Ordinal);
        var from = key < 0 ? -1 : text.LastIndexOf('{', key);
        if (from < behind)
            return null;
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text[from..]));
        try
        {
            // What stands behind the object is not read.
            if (!reader.Read() || !reader.TrySkip())
                return null;
        }
        catch (JsonException)
        {
            return null;
        }
        // The probe is ASCII up to its end, so bytes are characters.
        return (from, from + (int)reader.BytesConsumed);
    }

    // Some templates give calls their ids, which no model makes up itself.
    private static string WithoutId(string text, string id)
    {
        var at = text.IndexOf(id, StringComparison.Ordinal);
        if (at < 0)
            return text;
        var from = text.LastIndexOfAny([',', '{'], at);
        var to = at + id.Length;
        return from < 0 ? text : text[..from] + text[(to < text.Length && text[to] == '"' ? to + 1 : to)..];
    }

    private static ChatMessage Calls(params (string Name, string Id)[] calls) => new("assistant", null)
    {
        ToolCalls = JsonSerializer.SerializeToElement(calls.Select(call => new Dictionary<string, object>
        {
            ["id"] = call.Id,
            ["type"] = "function",
            ["function"] = new Dictionary<string, string> { ["name"] = call.Name, ["arguments"] = "{\"" + Key + "\": \"x\"}" },
        })),
    };
}
