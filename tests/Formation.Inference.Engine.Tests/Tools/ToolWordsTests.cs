using System.Text.Json;
using Formation.Inference.Engine.Tools;

namespace Formation.Inference.Engine.Tests.Tools;

/// <summary>What a model whose template knows no tools is told of them.</summary>
public class ToolWordsTests
{
    static readonly JsonElement Clock = Json("""[{"type":"function","function":{"name":"clock","parameters":{"type":"object"}}}]""");

    static readonly ChatMessage[] Called =
    [
        new("user", "What time is it?"),
        new("assistant", Content: null) { ToolCalls = Json("""[{"id":"c","type":"function","function":{"name":"clock","arguments":"{\"zone\":\"UTC\"}"}}]""") },
        new("tool", "Noon.") { ToolCallId = "c" },
    ];

    static JsonElement Json(string text) => JsonElement.Parse(text);

    static string[] Texts(ChatPrompt chat) => [.. chat.Messages.Select(message => $"{message.Role}: {message.Content?.Value}")];

    [Fact]
    public void Tools_are_described_in_a_system_turn_of_their_own_or_behind_the_one_there_is()
    {
        var alone = ToolWords.Rewrite(new ChatPrompt([new("user", "Hi")]) { Tools = Clock });
        Assert.Equal(["system", "user"], alone.Messages.Select(message => message.Role));
        Assert.Contains("\"name\":\"clock\"", alone.Messages[0].Content!.Value.Value);
        Assert.Null(alone.Tools);
        var joined = ToolWords.Rewrite(new ChatPrompt([new("system", "Be brief."), new("user", "Hi")]) { Tools = Clock });
        Assert.StartsWith("Be brief.\n\n", joined.Messages[0].Content!.Value.Value);
        Assert.Equal(2, joined.Messages.Count);
    }

    [Fact]
    public void Calls_and_results_are_turns_of_text_whether_or_not_there_are_tools_now()
    {
        string[] expected =
        [
            "user: What time is it?",
            "assistant: <tool_call>\n{\"name\": \"clock\", \"arguments\": {\"zone\":\"UTC\"}}\n</tool_call>",
            "user: <tool_response>\nNoon.\n</tool_response>",
        ];
        Assert.Equal(expected, Texts(ToolWords.Rewrite(new ChatPrompt(Called))));
        Assert.Equal(expected, Texts(ToolWords.Rewrite(new ChatPrompt(Called) { Tools = Clock }))[1..]);
    }

    [Fact]
    public void Only_what_has_to_do_with_tools_needs_words()
    {
        Assert.False(ToolWords.AreNeededFor(new ChatPrompt([Called[0]])));
        Assert.True(ToolWords.AreNeededFor(new ChatPrompt([Called[0]]) { Tools = Clock }));
        Assert.True(ToolWords.AreNeededFor(new ChatPrompt([Called[1]])));
        Assert.True(ToolWords.AreNeededFor(new ChatPrompt([Called[2]])));
    }
}
