using Formation.Inference.Gateway.Tools;

namespace Formation.Inference.Gateway.Tests.Tools;

/// <summary>Calls are told from text wherever the text is cut into pieces.</summary>
public sealed class ToolCallReaderTests
{
    static readonly ToolCallSyntax Hermes = ToolCallSyntax.Default;
    static readonly ToolCallSyntax Mistral = new("[TOOL_CALLS] [{\"name\": \"", "\", \"arguments\": ", "}", ", {\"name\": \"", "]");
    static readonly ToolCallSyntax Tekken = new("[TOOL_CALLS]", "[ARGS]", "", "[TOOL_CALLS]", "");
    static readonly ToolCallSyntax Llama = new("{\"name\": \"", "\", \"parameters\": ", "}", null, "");

    public static TheoryData<ToolCallSyntax, string, string, string[]> Answers => new()
    {
        { Hermes, "", "", [] },
        { Hermes, "Just <tool_ text <tool_cal", "Just <tool_ text <tool_cal", [] },
        { Hermes, "<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>", "", ["f({})"] },
        {
            Hermes, "Let me <<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\":\"}\\\"{\",\"b\":[{}]}}\n</tool_call>\n<tool_call>\n{\"name\": \"g-2\", \"arguments\": { }}\n</tool_call>",
            "Let me <", ["f({\"a\":\"}\\\"{\",\"b\":[{}]})", "g-2({ })"]
        },

        // Cut by the token limit.
        { Hermes, "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\":[1", "", ["f({\"a\":[1)"] },
        { Hermes, "<tool_call>\n{\"name\": \"fun", "", [] },
        { Mistral, "[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {}}, {\"name\": \"g\", \"arguments\": {\"\\\\\":1}}]", "", ["f({})", "g({\"\\\\\":1})"] },
        { Tekken, "Hm [TOOL_CALLS]f[ARGS]{\"a\":1}[TOOL_CALLS]g[ARGS]{}", "Hm ", ["f({\"a\":1})", "g({})"] },
        { Llama, "{\"name\": \"f\", \"parameters\": {\"q\":\"{\"}}", "", ["f({\"q\":\"{\"})"] },
        { Llama, "{\"nam", "{\"nam", [] },
        { Llama, "So {\"name\": \"f\", \"parameters\": {}}", "So {\"name\": \"f\", \"parameters\": {}}", [] },
    };

    [Theory]
    [MemberData(nameof(Answers), DisableDiscoveryEnumeration = true)]
    public void Calls_are_told_from_text_wherever_it_is_cut(ToolCallSyntax syntax, string text, string said, string[] calls)
    {
        for (int size = 1; size <= Math.Max(1, text.Length); size++)
        {
            var reader = new ToolCallReader(syntax);
            List<AnswerPiece> pieces = [];
            foreach (char[] part in text.Chunk(size))
                pieces.AddRange(reader.Read(new string(part)));
            pieces.AddRange(reader.End());

            Assert.Equal(said, string.Concat(pieces.Where(piece => piece.Kind == AnswerPieceKind.Text).Select(piece => piece.Text)));
            Assert.Equal(calls, pieces.Where(piece => piece.Kind == AnswerPieceKind.Call).Select(call =>
                $"{call.Text}({string.Concat(pieces.Where(piece => piece.Kind == AnswerPieceKind.Arguments && piece.Call == call.Call).Select(piece => piece.Text))})"));
            Assert.Equal(calls.Length, reader.Calls);
        }
    }

    [Fact]
    public void Text_that_can_be_no_call_is_not_held_back()
    {
        var reader = new ToolCallReader(Hermes);
        Assert.Equal("Hello ", Assert.Single(reader.Read("Hello ")).Text);
        Assert.Equal("a", Assert.Single(reader.Read("a<tool")).Text);
        Assert.Equal("<toolbox", Assert.Single(reader.Read("box")).Text);
    }
}
