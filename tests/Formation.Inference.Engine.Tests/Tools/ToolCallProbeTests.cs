using Formation.Inference.Engine.Templates;
using Formation.Inference.Engine.Tests.Templates;
using Formation.Inference.Engine.Tools;

namespace Formation.Inference.Engine.Tests.Tools;

/// <summary>What is found out of templates in the manner of well-known model families (Golden/templates/families).</summary>
public sealed class ToolCallProbeTests
{
    static readonly string[] Ends = ["<|im_end|>", "</s>", "<|eot_id|>", "<|eom_id|>", "<|eom|>", "<|eot|>", "<|call|>", "<|end_of_text|>", "<|end▁of▁sentence|>", "<|END_OF_TURN_TOKEN|>"];

    static ToolCallSyntax? Find(string family)
    {
        var source = GoldenFile.ReadText($"families/{family}.jinja");
        return ToolCallProbe.Find(ChatTemplate.Compile(source), Render.Input() with { BosToken = "<s>", EosToken = "</s>" }, Ends);
    }

    static readonly ToolCallSyntax Hermes = new("<tool_call>\n{\"name\": \"", "\", \"arguments\": ", "}\n</tool_call>", "\n<tool_call>\n{\"name\": \"", "");

    public static TheoryData<string, ToolCallSyntax?> Known => new()
    {
        { "hermes2-tools", Hermes },
        { "qwen25", Hermes },
        { "qwen3", Hermes },
        { "mistral-v03-tools", new("[TOOL_CALLS] [{\"name\": \"", "\", \"arguments\": ", "}", ", {\"name\": \"", "]") },
        { "mistral-tekken", new("[TOOL_CALLS]", "[ARGS]", "", "[TOOL_CALLS]", "") },
        { "granite", new("<|tool_call|>[{\"name\": \"", "\", \"arguments\": ", "}", ", {\"name\": \"", "]") },
        { "llama4", new("<|python_start|><|python_end|>{\"name\": \"", "\", \"parameters\": ", "}", "{\"name\": \"", "") },

        // One call a turn.
        { "llama31-tools", new("{\"name\": \"", "\", \"parameters\": ", "}", null, "") },
        { "gpt-oss", new(" to=functions.", "<|channel|>commentary json<|message|>", "", null, "") },
        {
            "command-r",
            new("Action: ```json\n[\n    {\n        \"tool_name\": \"", "\",\n        \"parameters\": ", "\n    }", ",\n    {\n        \"tool_name\": \"", "\n]```")
        },

        // These show the model no tools.
        { "chatml", null },
        { "gemma3", null },
        { "phi4", null },
        { "deepseek-v3", null },
    };

    [Theory]
    [MemberData(nameof(Known), DisableDiscoveryEnumeration = true)]
    public void A_familys_way_to_call_tools_is_found_in_its_template(string family, ToolCallSyntax? expected) => Assert.Equal(expected, Find(family));

    [Fact]
    public void The_default_is_that_of_models_which_know_tags() => Assert.Equal(Hermes, ToolCallSyntax.Default);

    [Theory]
    [InlineData("{% for m in messages %}{{ m.content or '' }}{% endfor %}")]
    [InlineData("{{ tools | tojson }}{% for m in messages %}{{ m.content or '' }}{% endfor %}")]
    [InlineData("{{ tools | tojson }}{% for m in messages %}{{ m.content or '' }}{% for c in m.tool_calls or [] %}{{ c.function.name }}{{ c.function.arguments | tojson }}{% endfor %}{% endfor %}")]
    [InlineData("{{ tools | tojson }}{% for m in messages %}{{ m.content or '' }}{% for c in m.tool_calls or [] %}<c>{{ c.function.arguments | tojson }}{{ c.function.name }}{% endfor %}{% endfor %}")]
    [InlineData("{{ tools | tojson }}{% for m in messages %}{{ m.content or '' }}{% for c in m.tool_calls or [] %}<c>{{ c.function.name }}{% endfor %}{% endfor %}")]
    [InlineData("{{ tools | tojson }}{% for m in messages %}{{ m.content }}{% if m.tool_calls %}{{ raise_exception('none') }}{% endif %}{% endfor %}")]
    public void A_template_without_calls_that_can_be_told_from_text_has_no_syntax(string template) =>
        Assert.Null(ToolCallProbe.Find(ChatTemplate.Compile(template), Render.Input(), Ends));
}
