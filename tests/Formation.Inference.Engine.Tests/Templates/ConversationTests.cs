using Formation.Inference.Engine.Templates;

namespace Formation.Inference.Engine.Tests.Templates;

/// <summary>
/// Messages, tools and variables reach templates in the shape in which Hugging Face's <c>apply_chat_template</c> gives them.
/// </summary>
public sealed class ConversationTests
{
    static readonly ChatMessage Call = new("assistant", null)
    {
        ToolCalls = Render.Json(
            """[{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"b\":1.50,  \"a\":[\"é\"]}"}}]"""),
    };

    [Theory]
    [InlineData("{{ m.role }} {{ m['content'] }}", "user hi")]
    [InlineData("{{ m.name is defined }}{{ m.tool_calls is defined }}{{ 'tool_calls' in m }}{{ m.tool_call_id is defined }}", "FalseFalseFalseFalse")]
    [InlineData("{{ m.keys()|list }}", "['role', 'content']")]
    [InlineData("{{ tools is none }}{{ documents is none }}{{ add_generation_prompt }}[{{ bos_token }}{{ eos_token }}]", "TrueTrueTrue[]")]
    public void A_plain_message_has_role_and_content(string template, string expected) =>
        Assert.Equal(expected, One(template, new ChatMessage("user", "hi")));

    [Fact]
    public void What_a_message_has_besides_is_given() =>
        Assert.Equal(
            "['role', 'content', 'name', 'tool_call_id'] Bob c1",
            One("{{ m.keys()|list }} {{ m.name }} {{ m.tool_call_id }}", new ChatMessage("tool", "x") { Name = "Bob", ToolCallId = "c1" }));

    [Fact]
    public void A_turn_without_content_has_none() => Assert.Equal("True None", One("{{ m.content is none }} {{ m.content }}", Call));

    /// <summary>As transformers and vLLM give them: a mapping, whose JSON is Python's.</summary>
    [Theory]
    [InlineData("{{ a is mapping }}{{ a is string }}{{ a.a[0] }}{{ a|length }}", "TrueFalseé2")]
    [InlineData("{{ a|tojson }}", """{"b": 1.5, "a": ["é"]}""")]
    [InlineData("{{ m.tool_calls[0].function|tojson }}", """{"name": "f", "arguments": {"b": 1.5, "a": ["é"]}}""")]
    [InlineData("{% for k, v in a|items %}{{ k }}{% endfor %}", "ba")]
    public void Arguments_sent_as_json_text_are_a_mapping(string template, string expected) =>
        Assert.Equal(expected, One("{% set a = m.tool_calls[0].function.arguments %}" + template, Call));

    /// <summary>For templates that paste the text in, as DeepSeek's do.</summary>
    [Theory]
    [InlineData("{{ 'x' + a }}")]
    [InlineData("x{{ a }}")]
    [InlineData("{{ 'x' ~ a|string }}")]
    [InlineData("{{ 'x%s' % a }}")]
    public void Where_text_is_asked_for_such_arguments_are_what_the_caller_sent(string template) =>
        Assert.Equal("""x{"b":1.50,  "a":["é"]}""", One("{% set a = m.tool_calls[0].function.arguments %}" + template, Call));

    [Fact]
    public void Arguments_that_the_template_changed_print_as_a_mapping() =>
        Assert.Equal(
            "{'b': 2}",
            One("{% set a = m.tool_calls[0].function.arguments %}{% set _ = a.pop('a') %}{% set _ = a.update(b=2) %}{{ a }}", Call));

    [Theory]
    [InlineData("not json")]
    [InlineData("[1]")]
    [InlineData("")]
    [InlineData("{\\\"a\\\": 1")]
    public void Arguments_that_are_no_json_object_stay_text(string arguments)
    {
        var calls = Render.Json($$$"""[{"function": {"name": "f", "arguments": "{{{arguments}}}"}}]""");
        var message = new ChatMessage("assistant", null) { ToolCalls = calls };

        Assert.Equal("True", One("{{ m.tool_calls[0].function.arguments is string }}", message));
    }

    [Fact]
    public void Arguments_sent_as_an_object_are_one() =>
        Assert.Equal("{'a': 1}", One("{{ m.tool_calls[0].function.arguments }}", new ChatMessage("assistant", null)
        {
            ToolCalls = Render.Json("""[{"function": {"name": "f", "arguments": {"a": 1}}}]"""),
        }));

    [Fact]
    public void Tools_are_given_as_they_were_sent()
    {
        var tools = Render.Json("""[{"type":"function","x":[1,2.0,18446744073709551615,null,true]}]""");
        var input = Render.Input(new ChatMessage("user", "hi")) with { Tools = tools };

        Assert.Equal(
            """[{"type": "function", "x": [1, 2.0, 18446744073709551615, null, true]}]""",
            ChatTemplate.Compile("{{ tools|tojson }}").Render(input).Text);
    }

    [Fact]
    public void An_empty_list_of_tools_is_none()
    {
        var input = Render.Input(new ChatMessage("user", "hi")) with { Tools = Render.Json("[]") };

        Assert.Equal("True", ChatTemplate.Compile("{{ tools is none }}").Render(input).Text);
    }

    [Fact]
    public void Variables_of_the_request_are_given_and_may_set_documents() =>
        Assert.Equal(
            "False 1",
            Render.Text("{{ enable_thinking }} {{ documents|length }}", """{"enable_thinking": false, "documents": [{"text": "x"}]}"""));

    [Fact]
    public void One_render_does_not_change_the_next()
    {
        var template = ChatTemplate.Compile(
            "{% set _ = messages.append(1) %}{% set _ = messages[0].update(content='x') %}{{ messages|length }}{{ messages[0].content }}");
        var input = Render.Input(new ChatMessage("user", "hi"));

        Assert.Equal("2x", template.Render(input).Text);
        Assert.Equal("2x", template.Render(input).Text);
    }

    [Fact]
    public void One_template_renders_on_many_threads_at_once()
    {
        var template = ChatTemplate.Compile(
            "{% for m in messages %}{% set ns = namespace(v=m.content) %}{% set ns.v = ns.v ~ loop.index %}{{ ns.v }}{% endfor %}");

        Parallel.For(0, 200, i =>
        {
            var messages = Enumerable.Range(0, 20).Select(n => new ChatMessage("user", $"{i}.{n} ")).ToArray();
            var expected = string.Concat(Enumerable.Range(0, 20).Select(n => $"{i}.{n} {n + 1}"));
            Assert.Equal(expected, template.Render(Render.Input(messages)).Text);
        });
    }

    [Fact]
    public void The_default_template_is_chatml()
    {
        var prompt = ChatTemplate.Default.Render(Render.Input(new("system", "Be kind."), new("user", "Hi <|im_end|>"), Call));

        Assert.Equal(
            "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi <|im_end|><|im_end|>\n"
                + "<|im_start|>assistant\n<|im_end|>\n<|im_start|>assistant\n",
            prompt.Text);
        Assert.Equal(["Be kind.", "Hi <|im_end|>"], prompt.DataParts());
        Assert.Contains(ChatTemplate.DefaultEndOfTurn, prompt.Text);
    }

    [Fact]
    public void The_default_template_opens_no_turn_unless_asked()
    {
        var input = Render.Input(new ChatMessage("user", "Hi")) with { AddGenerationPrompt = false };

        Assert.Equal("<|im_start|>user\nHi<|im_end|>\n", ChatTemplate.Default.Render(input).Text);
    }

    [Fact]
    public void A_generation_block_renders_its_body() =>
        Assert.Equal("a hi b", One("a {% generation %}{{ m.content }}{% endgeneration %} b", new ChatMessage("assistant", "hi")));

    /// <summary>Expected values are Python's for the same time.</summary>
    [Theory]
    [InlineData("%Y-%m-%d", "2024-07-05")]
    [InlineData("%d %b %Y", "05 Jul 2024")]
    [InlineData("%A, %B %-d, %Y", "Friday, July 5, 2024")]
    [InlineData("%a %e %y", "Fri  5 24")]
    [InlineData("%H:%M:%S", "13:04:09")]
    [InlineData("%I:%M %p", "01:04 PM")]
    [InlineData("%j %U %W %w %u %V %G", "187 26 27 5 5 27 2024")]
    [InlineData("%F %T %D %R %r", "2024-07-05 13:04:09 07/05/24 13:04 01:04:09 PM")]
    [InlineData("%c|%x|%X", "Fri Jul  5 13:04:09 2024|07/05/24|13:04:09")]
    [InlineData("%%|%f|%Z%z|", "%|000000||")]
    [InlineData("%C %h %k %l %P", "20 Jul 13  1 pm")]
    [InlineData("%_d %-m %-H %^a %^B %-I %-j %-M", " 5 7 13 FRI JULY 1 187 4")]
    [InlineData("no directive %", "no directive %")]
    public void The_date_is_written_as_python_writes_it(string format, string expected) =>
        Assert.Equal(expected, Render.Text($"{{{{ strftime_now('{format}') }}}}"));

    static string One(string template, ChatMessage message) =>
        ChatTemplate.Compile("{% set m = messages[0] %}" + template).Render(Render.Input(message)).Text;
}
