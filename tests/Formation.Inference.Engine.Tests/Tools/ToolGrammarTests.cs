using System.Text.Json;
using Formation.Inference.Engine.Grammars;
using Formation.Inference.Engine.Tests.Grammars;
using Formation.Inference.Engine.Tools;

namespace Formation.Inference.Engine.Tests.Tools;

public sealed class ToolGrammarTests
{
    const string Weather = "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\":\"Bonn\"}}\n</tool_call>";
    const string Clock = "<tool_call>\n{\"name\": \"clock\", \"arguments\": {}}\n</tool_call>";

    static readonly ToolCallSyntax Llama = new("{\"name\": \"", "\", \"parameters\": ", "}", null, "");
    static readonly ToolCallSyntax Mistral = new("[TOOL_CALLS] [{\"name\": \"", "\", \"arguments\": ", "}", ", {\"name\": \"", "]");

    static readonly ToolDefinition[] Tools = [new("weather", null), new("clock", null)];

    static GrammarWalk Grammar(ToolCallSyntax? syntax = null, ToolUse? use = null, params ToolDefinition[] tools) =>
        new(ToolGrammar.Of(tools is [] ? Tools : tools, syntax ?? ToolCallSyntax.Default, use ?? new ToolUse(ToolChoice.Auto)));

    [Theory]
    [InlineData("")]
    [InlineData("Just text, {\"even\": \"JSON\"}, <tool>, <tool_cal and <<tool_call >.")]
    [InlineData(Weather)]
    [InlineData("Let me look. <" + Weather)]
    [InlineData("<tool_<tool" + Weather + "\n" + Clock)]
    [InlineData("Grüße, 世界 😀\n" + Clock)]
    public void Text_may_be_anything_and_may_end_with_calls(string text) => Assert.True(Grammar().Takes(text));

    [Theory]
    [InlineData("<tool_call>")]
    [InlineData("So: <tool_call> begins a call.")]
    [InlineData("<tool_call>\n{\"name\": \"rain\", \"arguments\": {}}\n</tool_call>")]
    [InlineData("<tool_call>\n{\"name\": \"clock\", \"arguments\": {\"a\":}}\n</tool_call>")]
    [InlineData(Weather + "\nThat was it.")]
    [InlineData(Weather + Clock)]
    public void What_begins_like_a_call_is_one_of_a_tool_that_there_is_and_nothing_follows(string text) => Assert.False(Grammar().Takes(text));

    [Fact]
    public void One_that_must_call_writes_nothing_else()
    {
        var must = Grammar(use: new ToolUse(ToolChoice.Required));
        Assert.True(must.Takes(Weather));
        Assert.True(must.Takes(Weather + "\n" + Clock));
        Assert.False(must.Takes(""));
        Assert.False(must.Takes("Let me look. " + Weather));
    }

    [Fact]
    public void Without_parallel_calls_there_is_one()
    {
        var one = Grammar(use: new ToolUse(ToolChoice.Auto) { IsParallel = false });
        Assert.True(one.Takes("x" + Weather));
        Assert.False(one.Takes(Weather + "\n" + Clock));
    }

    [Theory]
    [InlineData("{\"name\": \"clock\", \"parameters\": {}}", true)]
    [InlineData("{\"nam", true)]
    [InlineData("{\"names\": 5}", true)]
    [InlineData("A call is {\"name\": \"x\", ...", true)]
    [InlineData("{\"name\": \"rain\", \"parameters\": {}}", false)]
    [InlineData("{\"name\": \"clock\", \"parameters\": {}} ", false)]
    public void Where_calls_begin_as_other_text_may_only_the_beginning_tells_one(string text, bool isTaken) => Assert.Equal(isTaken, Grammar(Llama).Takes(text));

    [Theory]
    [InlineData("[TOOL_CALLS] [{\"name\": \"clock\", \"arguments\": {}}]", true)]
    [InlineData("[TOOL_CALLS] [{\"name\": \"clock\", \"arguments\": {}}, {\"name\": \"weather\", \"arguments\": {\"a\":[1]}}]", true)]
    [InlineData("[TOOL_CALLS", true)]
    [InlineData("[TOOL_CALLS] []", false)]
    [InlineData("[TOOL_CALLS] [{\"name\": \"clock\", \"arguments\": {}}", false)]
    public void A_list_of_calls_has_an_end(string text, bool isTaken) => Assert.Equal(isTaken, Grammar(Mistral).Takes(text));

    [Fact]
    public void Arguments_are_what_the_tools_schema_allows_and_each_tool_has_its_own()
    {
        using var schemas = JsonDocument.Parse("""
            [{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}},"required":["a"],"additionalProperties":false,"$defs":{"x":{"type":"integer"}}},
             {"type":"object","properties":{"a":{"$ref":"#/$defs/x"}},"required":["a"],"additionalProperties":false,"$defs":{"x":{"type":"boolean"}}}]
            """);
        var grammar = Grammar(tools: [.. schemas.RootElement.EnumerateArray().Select((schema, i) => new ToolDefinition($"t{i}", schema))]);
        Assert.True(grammar.Takes(CallOf("t0", "{\"a\":5}")));
        Assert.True(grammar.Takes(CallOf("t1", "{\"a\":true}")));
        Assert.False(grammar.Takes(CallOf("t0", "{\"a\":true}")));
        Assert.False(grammar.Takes(CallOf("t1", "{\"a\":5}")));
        Assert.False(grammar.Takes(CallOf("t1", "{}")));
    }

    [Fact]
    public void A_named_tool_is_the_only_one_that_may_be_called()
    {
        var clock = Grammar(use: new ToolUse(ToolChoice.Required) { Name = "clock" });
        Assert.True(clock.Takes(Clock));
        Assert.False(clock.Takes(Weather));
        Assert.Contains("'rain'", Assert.Throws<GrammarException>(() => Grammar(use: new ToolUse(ToolChoice.Required) { Name = "rain" })).Message);
    }

    [Fact]
    public void An_answer_without_calls_may_have_a_format()
    {
        var grammar = new GrammarWalk(ToolGrammar.Of(Tools, ToolCallSyntax.Default, new ToolUse(ToolChoice.Auto), ChoiceGrammar.Of(["yes", "no"])));
        Assert.True(grammar.Takes("yes"));
        Assert.True(grammar.Takes(Weather));
        Assert.False(grammar.Takes("yes" + Weather));
        Assert.False(grammar.Takes("perhaps"));
    }

    [Fact]
    public void A_schema_that_cant_be_held_names_its_tool()
    {
        using var schema = JsonDocument.Parse("""{"type":"strange"}""");
        var refusal = Assert.Throws<GrammarException>(() => Grammar(tools: [new ToolDefinition("odd", schema.RootElement)]));
        Assert.Contains("'odd'", refusal.Message);
    }

    static string CallOf(string name, string arguments) => $"<tool_call>\n{{\"name\": \"{name}\", \"arguments\": {arguments}}}\n</tool_call>";
}
