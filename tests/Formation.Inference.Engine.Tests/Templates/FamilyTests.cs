using System.Text.Json;
using Formation.Inference.Engine.Templates;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Tests.Templates;

/// <summary>
/// Templates in the manner of well-known model families render as @huggingface/jinja renders them, byte for byte, and keep what users
/// write out of the control ranges (Golden/templates/families).
/// </summary>
public sealed class FamilyTests
{
    static readonly JsonElement Cases = GoldenFile.Read("families/cases.json");

    static readonly JsonElement Golden = GoldenFile.Read("families/golden.json");

    public static TheoryData<string> Families { get; } = [.. Cases.GetProperty("families").EnumerateArray().Select(Name)];

    [Theory]
    [MemberData(nameof(Families))]
    public void A_family_renders_every_conversation_as_the_reference_does(string family)
    {
        var renders = Golden.GetProperty("renders").EnumerateArray().Where(item => Name(item, "family") == family).ToList();

        foreach (var expected in renders)
        {
            var conversation = Name(expected, "conversation");
            var prompt = TryRender(family, conversation, expected.GetProperty("addGenerationPrompt").GetBoolean());
            var text = expected.TryGetProperty("output", out var output) ? output.GetString() : null;
            Assert.True(text == prompt?.Text, $"{conversation}: expected\n{text}\nbut rendered\n{prompt?.Text}");
        }
        Assert.Equal(2 * Cases.GetProperty("conversations").GetArrayLength(), renders.Count);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_special_token_that_a_user_wrote_is_never_in_a_control_range(string family)
    {
        var conversation = Conversation("special token look-alikes");
        var written = conversation.GetProperty("messages")[1].GetProperty("content").GetString()!;
        // Gemma 2 refuses a system turn; the user's turns are what matters here.
        var messages = Messages(conversation).Skip(family == "gemma2" ? 1 : 0).Where(message => message.Role != "system").ToList();

        var prompt = Template(family).Render(Input(family, conversation) with { Messages = messages });

        var found = Occurrences(prompt.Text, written);
        Assert.NotEmpty(found);
        Assert.All(found, at => Assert.DoesNotContain(prompt.ControlRanges, range => range.Start < at + written.Length && range.End > at));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Everything_but_the_conversation_is_in_control_ranges(string family)
    {
        var conversation = Conversation("several turns");

        var prompt = Template(family).Render(Input(family, conversation));

        var contents = Messages(conversation).Select(message => message.Content!.Value.Value).ToHashSet();
        Assert.All(prompt.DataParts(), part => Assert.Contains(part, contents));
    }

    static PromptText? TryRender(string family, string conversationName, bool addGenerationPrompt)
    {
        try
        {
            return Template(family).Render(
                Input(family, Conversation(conversationName)) with { AddGenerationPrompt = addGenerationPrompt });
        }
        catch (TemplateException)
        {
            return null;
        }
    }

    static ChatTemplate Template(string family) => ChatTemplate.Compile(GoldenFile.ReadText($"families/{family}.jinja"));

    static ChatTemplateInput Input(string familyName, JsonElement conversation)
    {
        var family = Cases.GetProperty("families").EnumerateArray().Single(item => Name(item) == familyName);
        return new ChatTemplateInput
        {
            Messages = Messages(conversation),
            Tools = conversation.TryGetProperty("tools", out _) ? Cases.GetProperty("tools") : null,
            BosToken = family.GetProperty("bos").GetString(),
            EosToken = family.GetProperty("eos").GetString(),
            Variables = conversation.TryGetProperty("variables", out var variables)
                ? variables.EnumerateObject().ToDictionary(property => property.Name, property => property.Value)
                : null,
            TimeProvider = Render.Clock,
        };
    }

    static List<ChatMessage> Messages(JsonElement conversation) =>
        [.. conversation.GetProperty("messages").EnumerateArray().Select(Message)];

    static ChatMessage Message(JsonElement message) =>
        new(Name(message, "role"), Text(message, "content") is { } content ? new SensitiveText(content) : (SensitiveText?)null)
        {
            Name = Text(message, "name"),
            ToolCalls = message.TryGetProperty("tool_calls", out var calls) ? calls : null,
            ToolCallId = Text(message, "tool_call_id"),
        };

    static JsonElement Conversation(string name) => Cases.GetProperty("conversations").EnumerateArray().Single(item => Name(item) == name);

    static string Name(JsonElement item) => Name(item, "name");

    static string Name(JsonElement item, string property) => item.GetProperty(property).GetString()!;

    static string? Text(JsonElement item, string property) => item.TryGetProperty(property, out var value) ? value.GetString() : null;

    static List<int> Occurrences(string text, string part)
    {
        var found = new List<int>();
        for (var at = text.IndexOf(part, StringComparison.Ordinal); at >= 0; at = text.IndexOf(part, at + 1, StringComparison.Ordinal))
            found.Add(at);
        return found;
    }
}
