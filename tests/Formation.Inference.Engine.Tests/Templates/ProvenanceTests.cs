using Formation.Inference.Engine.Templates;

namespace Formation.Inference.Engine.Tests.Templates;

/// <summary>Security test 33. What users, tools and request variables write never lands in a control range, whatever a template does to it.</summary>
public sealed class ProvenanceTests
{
    const string LookAlike = "<|im_start|>";

    const string Data = """
        {"x": "<|im_start|>", "words": ["<|im_start|>", "B", "a"], "d": {"<|im_start|>": "<|im_start|>"}, "n": 7, "f": 1.5,
         "rows": [{"k": "<|im_start|>"}, {"k": "z"}], "text": "one <|im_start|>\ntwo", "fmt": "<|im_start|>%s{}"}
        """;

    /// <summary>Every operation that gives text, each holding the look-alike in its result.</summary>
    [Theory]
    [InlineData("{{ x }}")]
    [InlineData("{{ x + 'a' }}")]
    [InlineData("{{ 'a' ~ x ~ 'b' }}")]
    [InlineData("{{ x * 2 }}")]
    [InlineData("{{ x[:] }}")]
    [InlineData("{{ ('--' ~ x ~ '--')[2:-2] }}")]
    [InlineData("{{ x[::-1][::-1] }}")]
    [InlineData("{% for c in x %}{{ c }}{% endfor %}")]
    [InlineData("{{ x|list|join }}")]
    [InlineData("{{ x|upper|lower }}")]
    [InlineData("{{ x.upper().lower() }}")]
    [InlineData("{{ x|trim }}{{ x.strip() }}{{ x.lstrip('a') }}{{ x.rstrip() }}")]
    [InlineData("{{ ('  ' ~ x ~ '  ')|trim }}")]
    [InlineData("{{ x|replace('zz', 'y') }}")]
    [InlineData("{{ x|replace('im', 'im') }}")]
    [InlineData("{{ 'a-b'.replace('-', x) }}")]
    [InlineData("{{ x.replace('', '') }}")]
    [InlineData("{{ words|join(', ') }}")]
    [InlineData("{{ ', '.join(words) }}")]
    [InlineData("{{ x.join(['a', 'b']) }}")]
    [InlineData("{{ ['a', 'b']|join(x) }}")]
    [InlineData("{{ x.split('zz')[0] }}")]
    [InlineData("{{ text.split()[1] }}{{ text.rsplit(none, 1)[0] }}")]
    [InlineData("{{ text.splitlines()[0] }}")]
    [InlineData("{{ text.partition('\n')[0] }}{{ text.rpartition('\n')[0] }}")]
    [InlineData("{{ ('a' ~ x).removeprefix('a') }}{{ (x ~ 'a').removesuffix('a') }}")]
    [InlineData("{{ text|indent }}{{ x|indent(2, true) }}{{ 'a\nb'|indent(x) }}")]
    [InlineData("{{ x|center(20) }}{{ x.ljust(20) }}{{ x.rjust(20, '*') }}{{ x.zfill(20) }}")]
    [InlineData("{{ (x ~ ' and more words')|truncate(20) }}")]
    [InlineData("{{ 'long text here'|truncate(13, true, x, 0) }}")]
    [InlineData("{{ '%s' % x }}{{ '%s and %s' % (x, 'b') }}{{ '%(k)s' % {'k': x} }}{{ '%20s' % x }}")]
    [InlineData("{{ '%s'|format(x) }}{{ '{}'.format(x) }}{{ '{k:>20}'.format(k=x) }}{{ '{!r}'.format(x) }}")]
    [InlineData("{{ fmt % 'a' }}{{ fmt.format('a') }}{{ fmt|format('a') }}")]
    [InlineData("{{ x|string }}{{ x|safe }}{{ x|default('a') }}{{ missing|default(x) }}")]
    [InlineData("{{ words|first }}{{ (words|reverse|list)[2] }}{{ words|last ~ x }}")]
    [InlineData("{{ words|sort|first }}{{ words|unique|first }}{{ words|min }}")]
    [InlineData("{{ words|map('lower')|first }}{{ words|select('eq', x)|first }}{{ words|reject('eq', 'B')|first }}")]
    [InlineData("{{ rows|map(attribute='k')|first }}{{ rows|selectattr('k', 'eq', x)|map(attribute='k')|join }}")]
    [InlineData("{{ rows|groupby('k')|map(attribute='grouper')|first }}{{ rows|sort(attribute='k')|map(attribute='k')|first }}")]
    [InlineData("{% for k, v in d.items() %}{{ k }}{{ v }}{% endfor %}{% for k in d %}{{ k }}{% endfor %}")]
    [InlineData("{{ d|items|first|join }}{{ d|dictsort|first|last }}{{ d.keys()|list|first }}{{ d.values()|list|last }}")]
    [InlineData("{{ d.get(x) }}{{ d[x] }}{{ {}.get('a', x) }}{{ {x: 1}.keys()|first }}{{ dict(a=x).a }}")]
    [InlineData("{{ words }}{{ d }}{{ [x] }}{{ (x,) }}{{ {'a': x} }}{{ rows }}")]
    [InlineData("{{ x|tojson }}{{ d|tojson }}{{ words|tojson(indent=2) }}{{ {'a': [x]}|tojson }}")]
    [InlineData("{% set y = x %}{{ y }}")]
    [InlineData("{% set y %}a{{ x }}b{% endset %}{{ y }}")]
    [InlineData("{% set ns = namespace(t='') %}{% for w in words %}{% set ns.t = ns.t ~ w %}{% endfor %}{{ ns.t }}")]
    [InlineData("{% macro m(a) %}[{{ a }}]{% endmacro %}{{ m(x) }}{{ m(x)|trim }}")]
    [InlineData("{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ x }}{% endcall %}")]
    [InlineData("{% filter trim %}{{ x }}{% endfilter %}")]
    [InlineData("{% with y = x %}{{ y }}{% endwith %}{% generation %}{{ x }}{% endgeneration %}")]
    [InlineData("{% for a in [x] recursive %}{{ a }}{% if loop.depth < 3 %}{{ loop([a]) }}{% endif %}{% endfor %}")]
    [InlineData("{{ x if true else 'a' }}{{ x or 'a' }}{{ 'a' and x }}{{ cycler(x).next() }}{{ [x].pop() }}")]
    [InlineData("{{ messages[0].content }}{{ messages[0].name }}{{ messages[0].tool_call_id }}")]
    [InlineData("{{ messages[0].tool_calls[0].function.name }}{{ messages[0].tool_calls[0].function.arguments }}")]
    [InlineData("{{ 'a' + messages[0].tool_calls[0].function.arguments }}{{ messages[0].tool_calls|tojson }}")]
    [InlineData("{{ tools[0].name }}{{ tools|tojson }}")]
    [InlineData("{{ strftime_now(x) }}")]
    public void A_look_alike_stays_data_through(string template)
    {
        var prompt = ChatTemplate.Compile(template.Replace("\n", "\\n")).Render(new ChatTemplateInput
        {
            Messages =
            [
                new ChatMessage("user", LookAlike)
                {
                    Name = LookAlike,
                    ToolCallId = LookAlike,
                    ToolCalls = Render.Json("""[{"function": {"name": "<|im_start|>", "arguments": "{\"a\": \"<|im_start|>\"}"}}]"""),
                },
            ],
            Tools = Render.Json("""[{"name": "<|im_start|>"}]"""),
            Variables = Render.Variables(Data),
            TimeProvider = Render.Clock,
        });

        Assert.Contains(LookAlike, prompt.Text);
        Assert.All(prompt.ControlParts(), part => Assert.DoesNotContain("im_", part));
    }

    [Theory]
    [InlineData("<|im_start|>")]
    [InlineData("{{ '<|im_start|>' }}")]
    [InlineData("{{ '<|' ~ 'im_start' ~ '|>' }}")]
    [InlineData("{{ '<|im_start|>'|trim|lower }}")]
    [InlineData("{{ 'a<|im_start|>b'[1:-1] }}")]
    [InlineData("{{ '%s|>' % '<|im_start' }}")]
    [InlineData("{{ ['<|im', 'start|>']|join('_') }}")]
    [InlineData("{{ '<|im-start|>'|replace('-', '_') }}")]
    [InlineData("{% set t %}<|im_start|>{% endset %}{{ t }}")]
    [InlineData("{% macro t(a) %}<|{{ a }}|>{% endmacro %}{{ t('im_start') }}")]
    [InlineData("{% raw %}<|im_start|>{% endraw %}")]
    public void What_the_template_writes_is_one_control_range(string template)
    {
        var prompt = Render.Prompt(template);

        Assert.Equal(LookAlike, prompt.Text);
        Assert.Equal([LookAlike], prompt.ControlParts());
    }

    [Theory]
    [InlineData("<|{{ x }}|>", "im_start")]
    [InlineData("{{ '<|' ~ x }}", "im_start|>")]
    [InlineData("{{ '<|im_start|'}}{{ x }}", ">")]
    public void A_token_that_is_only_partly_the_templates_own_is_not_in_one_control_range(string template, string value)
    {
        var prompt = Render.Prompt(template, $$"""{"x": "{{value}}"}""");

        Assert.Equal(LookAlike, prompt.Text);
        Assert.DoesNotContain(LookAlike, prompt.ControlParts());
        Assert.Equal([value], prompt.DataParts());
    }

    [Theory]
    [InlineData("system")]
    [InlineData("developer")]
    [InlineData("user")]
    [InlineData("assistant")]
    [InlineData("tool")]
    public void A_known_role_joins_the_templates_text_to_a_token(string role)
    {
        var prompt = ChatTemplate.Compile("{{ '<|' ~ messages[0].role ~ '|>' }}").Render(Render.Input(new ChatMessage(role, "hi")));

        Assert.Equal([$"<|{role}|>"], prompt.ControlParts());
    }

    [Fact]
    public void An_unknown_role_is_data()
    {
        var prompt = ChatTemplate.Compile("{{ '<|' ~ messages[0].role ~ '|>' }}").Render(Render.Input(new ChatMessage("im_start", "hi")));

        Assert.Equal(["im_start"], prompt.DataParts());
    }

    [Fact]
    public void Bos_and_eos_are_control_text()
    {
        var input = Render.Input(new ChatMessage("user", "hi")) with { BosToken = "<s>", EosToken = "</s>" };

        var prompt = ChatTemplate.Compile("{{ bos_token + messages[0].content + eos_token }}").Render(input);

        Assert.Equal(["<s>", "</s>"], prompt.ControlParts());
    }

    [Fact]
    public void A_number_is_data_where_it_came_from_data()
    {
        const string template =
            "<{{ 1 + 1 }}><{{ n }}><{{ n + 1 }}><{{ f * 2 }}>{% for i in [0] %}<{{ loop.index }}>{% endfor %}<{{ n|string }}>";

        var prompt = Render.Prompt(template, """{"n": 7, "f": 1.5}""");

        Assert.Equal("<2><7><8><3.0><1><7>", prompt.Text);
        Assert.Equal(["7", "8", "3.0", "7"], prompt.DataParts());
    }

    [Fact]
    public void Adjacent_control_ranges_are_merged_and_in_order()
    {
        var prompt = Render.Prompt("a{{ 'b' }}{{ x }}c{{ '' }}d{{ x }}", """{"x": "-"}""");

        Assert.Equal([(0, 2), (3, 2)], prompt.ControlRanges.Select(range => (range.Start, range.Length)));
    }

    [Fact]
    public void A_mapping_of_the_request_can_not_give_control_text_by_its_keys() =>
        Assert.Equal(["im_start"], Render.Prompt("{% for k in d %}<|{{ k }}|>{% endfor %}", """{"d": {"im_start": 1}}""").DataParts());

    [Theory]
    [InlineData("messages")]
    [InlineData("tools")]
    [InlineData("add_generation_prompt")]
    [InlineData("bos_token")]
    [InlineData("eos_token")]
    [InlineData("raise_exception")]
    [InlineData("strftime_now")]
    [InlineData("range")]
    [InlineData("namespace")]
    public void A_variable_of_the_request_can_not_stand_in_for_what_the_engine_gives(string name) =>
        Assert.Equal(TemplateErrorKind.InvalidInput, Render.Failure("", $$"""{"{{name}}": "<|im_start|>"}""").Kind);
}
