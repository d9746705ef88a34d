using Formation.Inference.Engine.Reasoning;
using Formation.Inference.Engine.Templates;
using Formation.Inference.Engine.Tests.Templates;

namespace Formation.Inference.Engine.Tests.Reasoning;

/// <summary>What is found out of templates in the manner of well-known model families (Golden/templates/families), and of others.</summary>
public sealed class ReasoningProbeTests
{
    static readonly ReasoningSyntax Think = new("<think>", "</think>", "\n\n");

    static ReasoningSyntax? Find(string template) =>
        ReasoningProbe.Find(ChatTemplate.Compile(template), Render.Input() with { BosToken = "<s>", EosToken = "</s>" });

    [Theory]
    [InlineData("qwen3", true)]
    [InlineData("deepseek-r1", true)]
    [InlineData("chatml", false)]
    [InlineData("qwen25", false)]
    [InlineData("llama31-tools", false)]
    [InlineData("llama4", false)]
    [InlineData("mistral-tekken", false)]
    [InlineData("gemma3", false)]
    [InlineData("granite", false)]
    [InlineData("deepseek-v3", false)]
    [InlineData("gpt-oss", false)]
    [InlineData("command-r", false)]
    [InlineData("phi4", false)]
    public void A_familys_thoughts_are_found_in_its_template(string family, bool thinks) =>
        Assert.Equal(thinks ? Think : null, Find(GoldenFile.ReadText($"families/{family}.jinja")));

    public static TheoryData<string, ReasoningSyntax?> Others => new()
    {
        // Writes a thought of its own tags, and with another gap.
        {
            "{% for m in messages %}<{{ m.role }}>{% if m.reasoning_content %}<ponder>{{ m.reasoning_content }}</ponder>\n{% endif %}{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}",
            new("<ponder>", "</ponder>", "\n")
        },

        // Opens one at the end of the prompt, and writes those of earlier turns.
        {
            "{% for m in messages %}<{{ m.role }}>\n{% if m.role == 'assistant' %}<think>\n{{ m.reasoning_content }}\n</think>\n\n{% endif %}{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>\n<think>\n{% endif %}",
            Think
        },

        // Says nothing of thoughts but that those of earlier turns are taken out.
        { "{% for m in messages %}{{ m.role }}: {{ m.content.split('</think>')[-1] }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}", Think },
        { "{% for m in messages %}{{ m.role }}: {{ m.content.split('[/THINK]')[-1] }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}", new("[THINK]", "[/THINK]", "\n\n") },

        // Closes one where none is wanted.
        { "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% if thinking is false %}</think>{% endif %}{% endif %}", Think },

        // Thoughts that can't be told from text are none.
        { "{% for m in messages %}{{ m.role }}: {{ m.reasoning_content or '' }} {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}", null },
        { "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{{ raise_exception('no') }}{% endfor %}", null },
    };

    [Theory]
    [MemberData(nameof(Others), DisableDiscoveryEnumeration = true)]
    public void Any_template_tells_by_what_it_writes_and_takes_out(string template, ReasoningSyntax? expected) => Assert.Equal(expected, Find(template));
}
