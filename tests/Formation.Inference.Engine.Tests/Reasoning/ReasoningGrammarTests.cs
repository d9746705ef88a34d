using Formation.Inference.Engine.Grammars;
using Formation.Inference.Engine.Reasoning;
using Formation.Inference.Engine.Tests.Grammars;
using Formation.Inference.Engine.Tools;

namespace Formation.Inference.Engine.Tests.Reasoning;

public sealed class ReasoningGrammarTests
{
    const string Call = "<tool_call>\n{\"name\": \"clock\", \"arguments\": {}}\n</tool_call>";

    static readonly ReasoningSyntax May = new("<think>", "</think>", "\n\n"), Open = May with { IsOpen = true };

    static GrammarWalk Format(ReasoningSyntax reasoning, string pattern = "[0-9]+") =>
        new(ReasoningGrammar.Before(FormatGrammar.Of(new OutputFormat(OutputFormatKind.Pattern, pattern), default), reasoning));

    static GrammarWalk Tools(ReasoningSyntax reasoning, ToolCallSyntax? syntax = null, ToolChoice choice = ToolChoice.Auto, OutputFormat? format = null) => new(ToolGrammar.Of(
        [new ToolDefinition("clock", null)], syntax ?? ToolCallSyntax.Default, new ToolUse(choice), format is null ? null : FormatGrammar.Of(format, default), reasoning));

    [Theory]
    [InlineData("12", true)]
    [InlineData("<think>\nIs it 12? Yes <think>\n</think>\n\n12", true)]
    [InlineData("<think></think>\n\n12", true)]
    [InlineData("<think>\n</think>12", false)]
    [InlineData("<think>\n</think>\n\n\n12", false)]
    [InlineData("<think>\n</think>\n\n12</think>", false)]
    [InlineData("<think>\n</think>\n\n", false)]
    [InlineData("<think>\n12", false)]
    [InlineData("Is it? </think>\n\n12", false)]
    public void What_follows_a_thought_is_held_to_the_format(string text, bool isTaken) => Assert.Equal(isTaken, Format(May).Takes(text));

    [Theory]
    [InlineData("Is it? </think>\n\n12", true)]
    [InlineData("<</</</think></think>\n\n12", false)]
    [InlineData("<</</</think>\n\n12", true)]
    [InlineData("12", false)]
    public void An_open_thought_has_to_end_first(string text, bool isTaken) => Assert.Equal(isTaken, Format(Open).Takes(text));

    [Theory]
    [InlineData(Call, true)]
    [InlineData("Well. " + Call, true)]
    [InlineData("<think>Do I call <tool_call> here?</think>\n\nNo.", true)]
    [InlineData("<think>Do I call <tool_call> here?</think>\n\nYes. " + Call, true)]
    [InlineData("<think>" + Call + "</think>\n\nNo.", true)]
    [InlineData("<think>" + Call, false)]
    [InlineData("<thi<tool_call>, no", false)]
    [InlineData("<thi" + Call, true)]
    [InlineData("<thi", true)]
    [InlineData("x<think>Do I call <tool_call> here?", false)]
    [InlineData("<think>{\"name\": \"<tool_call>\n{\"name\": \"clock\", \"arguments\": {\"a\": \"</think>\n\n<tool_call>\n{\"nam: no\"}}\n</tool_call>", false)]
    public void What_begins_like_a_call_in_a_thought_is_none(string text, bool isTaken) => Assert.Equal(isTaken, Tools(May).Takes(text));

    [Theory]
    [InlineData("{\"name\": \"clock\", \"parameters\": {}}", true)]
    [InlineData("<think>{\"name\": \"</think>\n\n{\"name\": \"clock\", \"parameters\": {}}", true)]
    [InlineData("<think>{\"name\": \"</think>\n\n{\"name\": \"rain\", \"parameters\": {}}", false)]
    [InlineData("<think></think>\n\nText with {\"name\": \"rain\"}", true)]
    [InlineData("<think></think>\n{\"name\": \"rain\", \"parameters\": {}}", false)]
    [InlineData("<th{\"name\": \"rain\", \"parameters\": {}}", true)]
    [InlineData("{\"name\": \"rain\", \"parameters\": {}}", false)]
    public void A_call_that_counts_at_the_beginning_counts_behind_a_thought(string text, bool isTaken) =>
        Assert.Equal(isTaken, Tools(May, new("{\"name\": \"", "\", \"parameters\": ", "}", null, "")).Takes(text));

    [Theory]
    [InlineData("{\"name\": \"clock\", \"parameters\": {}}", true)]
    [InlineData("{\"nam|e\": \"rain\"}", true)]
    [InlineData("{\"name\": \"rain\"}", false)]
    [InlineData("{\"name\": 5 is text", true)]
    public void An_opening_that_begins_like_a_call_is_told_from_one(string text, bool isTaken) =>
        Assert.Equal(isTaken, Tools(new("{\"na{", "}", ""), new("{\"name\": \"", "\", \"parameters\": ", "}", null, "")).Takes(text));

    [Fact]
    public void Answers_that_must_call_may_think_first()
    {
        Assert.True(Tools(May, choice: ToolChoice.Required).Takes("<think>Hm.</think>\n\n" + Call));
        Assert.True(Tools(May, choice: ToolChoice.Required).Takes(Call));
        Assert.False(Tools(May, choice: ToolChoice.Required).Takes("<think>Hm.</think>\n\nNo."));
        Assert.True(Tools(Open, choice: ToolChoice.Required).Takes("Hm.</think>\n\n" + Call));
        Assert.True(Tools(Open, format: OutputFormat.JsonObject).Takes("Hm.</think>\n\n{}"));
        Assert.True(Tools(May, format: OutputFormat.JsonObject).Takes("<think>Hm.</think>\n\n" + Call));
        Assert.False(Tools(May, format: OutputFormat.JsonObject).Takes("<think>Hm.</think>\n\nNo."));
        Assert.True(Tools(Open).Takes("<tool_call>?</think>\n\nNo."));
        Assert.False(Tools(Open).Takes(Call));
    }
}
