using Formation.Inference.Engine.Templates;

namespace Formation.Inference.Engine.Tests.Templates;

/// <summary>Security test 32. A template reaches nothing outside its values, and every way to use too much of anything ends in one clear error.</summary>
public sealed class SandboxTests
{
    [Theory]
    [InlineData("{{ x.__class__ }}")]
    [InlineData("{{ x['__class__'] }}")]
    [InlineData("{{ x|attr('__class__') }}")]
    [InlineData("{{ ''.__class__ }}")]
    [InlineData("{{ {}.__init__ }}")]
    [InlineData("{{ range.__globals__ }}")]
    [InlineData("{{ x.GetType }}")]
    [InlineData("{{ x.Text }}{{ x.Length }}")]
    [InlineData("{{ messages.Count }}{{ messages.Items }}")]
    public void Members_of_python_and_dotnet_objects_are_undefined(string template) =>
        Assert.Equal("", Render.Text(template, """{"x": "text"}"""));

    [Theory]
    [InlineData("{{ x.__class__.__mro__ }}")]
    [InlineData("{{ ''.__class__.__mro__[1].__subclasses__() }}")]
    [InlineData("{{ cycler.__init__.__globals__.os.popen('id').read() }}")]
    [InlineData("{{ x.GetType().Assembly }}")]
    [InlineData("{{ [].__class__.__base__ }}")]
    public void A_chain_of_such_members_is_an_error(string template) =>
        Assert.Equal(TemplateErrorKind.Undefined, Render.Failure(template, """{"x": "text"}""").Kind);

    [Theory]
    [InlineData("{% include 'other' %}")]
    [InlineData("{% import 'other' as o %}")]
    [InlineData("{% from 'other' import x %}")]
    [InlineData("{% extends 'base' %}")]
    [InlineData("{% block b %}{% endblock %}")]
    public void Other_templates_can_not_be_reached(string template) =>
        Assert.Equal(TemplateErrorKind.Unsupported, Render.Failure(template).Kind);

    [Theory]
    [InlineData("{{ range(10**9) }}")]
    [InlineData("{{ range(10**30)|length }}")]
    [InlineData("{% for i in range(0, 10**12, 7) %}{% endfor %}")]
    [InlineData("{{ [0] * 10**9 }}")]
    [InlineData("{{ [[]] * 10**15 }}")]
    [InlineData("{{ [1]|batch(10**9, 0)|list }}")]
    [InlineData("{{ [1]|slice(10**9)|list }}")]
    [InlineData("{% set l = [1] %}{% for i in range(40) %}{% set _ = l.extend(l) %}{% endfor %}")]
    [InlineData("{% set ns = namespace(l=[1]) %}{% for i in range(40) %}{% set ns.l = ns.l + ns.l %}{% endfor %}")]
    [InlineData("{{ ('a,' * 10**6).split(',')|length }}")]
    [InlineData("{{ ('a' * 10**6)|list|length }}")]
    public void A_huge_collection_is_refused(string template) => AssertLimit(template, "elements");

    [Theory]
    [InlineData("{{ 'a' * 10**9 }}")]
    [InlineData("{{ 'a' * 10**30 }}")]
    [InlineData("{% set ns = namespace(s='a') %}{% for i in range(64) %}{% set ns.s = ns.s + ns.s %}{% endfor %}")]
    [InlineData("{% set ns = namespace(s='aa') %}{% for i in range(64) %}{% set ns.s = ns.s|replace('a', ns.s) %}{% endfor %}")]
    [InlineData("{{ 'a'|center(10**9) }}")]
    [InlineData("{{ 'a'.ljust(10**9) }}")]
    [InlineData("{{ '7'.zfill(10**9) }}")]
    [InlineData("{{ '%1000000000d' % 5 }}")]
    [InlineData("{{ '%-999999999s' % 'x' }}")]
    [InlineData("{{ '{:>1000000000}'.format('x') }}")]
    [InlineData("{{ ('a\n' * 100000)|indent(10**6) }}")]
    [InlineData("{{ (['a' * 1000] * 100000)|join }}")]
    public void A_huge_string_is_refused(string template) => AssertLimit(template, "characters");

    [Theory]
    [InlineData("{% for i in range(100000) %}{{ 'abcdefghij' * 100 }}{% endfor %}")]
    [InlineData("{% for a in range(1000) %}{% for b in range(100) %}{{ 'x' * 1000 }}{% endfor %}{% endfor %}")]
    public void A_hundred_megabytes_of_output_are_refused(string template) => AssertLimit(template, "output");

    [Theory]
    [InlineData("{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}{% endfor %}{% endfor %}{% endfor %}")]
    [InlineData("{% macro m(n) %}{% if n > 0 %}{{ m(n-1) }}{{ m(n-1) }}{% endif %}{% endmacro %}{{ m(60) }}")]
    [InlineData("{% set s = 'ab' * 1000000 %}{% for i in range(100000) %}{% set t = s[1:] %}{% endfor %}")]
    [InlineData("{% set s = 'ab' * 1000000 %}{% for i in range(100000) %}{% set t = s|upper %}{% endfor %}")]
    [InlineData("{% set s = 'a' * 2000000 %}{% for i in range(100000) %}{{ (s ~ 'b') in (s ~ s) }}{% endfor %}")]
    [InlineData("{% set s = 'a' * 2000000 %}{% for i in range(100000) %}{{ s.find(s ~ 'b') }}{% endfor %}")]
    [InlineData("{% set l = range(100000)|list %}{% for i in l %}{{ l == range(100000)|list }}{% endfor %}")]
    [InlineData("{% set l = range(100000)|list %}{% for i in l %}{{ -1 in l }}{% endfor %}")]
    [InlineData("{% set l = range(100000)|list %}{% for i in l %}{{ l|sort|first }}{% endfor %}")]
    [InlineData("{% set l = range(100000)|list %}{% for i in l %}{{ l.insert(0, 1) }}{{ l.pop(0) }}{% endfor %}")]
    [InlineData("{% set d = dict() %}{% for i in range(100000) %}{% set _ = d.update({i: i}) %}{{ d.copy()|length }}{% endfor %}")]
    [InlineData("{% set ns = namespace(l=[]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}")]
    [InlineData("{% set ns = namespace(l=[]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l|tojson }}")]
    public void Work_without_end_is_stopped(string template) =>
        AssertLimit(template, "steps", limits: ChatTemplateLimits.Default with { MaxSteps = 500_000 });

    [Fact]
    public void The_default_limits_stop_work_without_end() =>
        AssertLimit("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", "steps");

    [Theory]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")]
    [InlineData("{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}")]
    [InlineData("{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}")]
    [InlineData("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}")]
    [InlineData("{% set l = [] %}{% set _ = l.append(l) %}{{ l }}")]
    [InlineData("{% set l = [] %}{% set _ = l.append(l) %}{{ l|tojson }}")]
    [InlineData("{% set l = [] %}{% set _ = l.append(l) %}{% set m = [] %}{% set _ = m.append(m) %}{{ l == m }}")]
    [InlineData("{% set l = [] %}{% set _ = l.append(l) %}{% set m = [] %}{% set _ = m.append(m) %}{{ l < m }}")]
    [InlineData("{% set d = dict() %}{% set _ = d.update(d=d) %}{{ d }}")]
    [InlineData("{% set ns = namespace() %}{% set ns.ns = ns %}{{ ns }}")]
    public void Recursion_without_end_is_stopped(string template) => AssertLimit(template, "levels");

    [Theory]
    [InlineData("(", ")")]
    [InlineData("[", "]")]
    [InlineData("{1:", "}")]
    [InlineData("not ", "")]
    [InlineData("-", "")]
    [InlineData("f(", ")")]
    [InlineData("x if y else ", "")]
    [InlineData("x[", "]")]
    public void Deep_nesting_in_the_source_is_refused(string open, string close) =>
        AssertLimit($"{{{{ {Repeat(open, 20_000)}1{Repeat(close, 20_000)} }}}}", "nest");

    [Theory]
    [InlineData(" + 1")]
    [InlineData(" ~ 1")]
    [InlineData(" and 1")]
    [InlineData(" or 1")]
    [InlineData(" < 1")]
    [InlineData(" if 1")]
    [InlineData(".a")]
    [InlineData("[0]")]
    [InlineData("()")]
    [InlineData("|abs")]
    public void A_long_chain_in_the_source_is_refused(string link) => AssertLimit($"{{{{ 1{Repeat(link, 20_000)} }}}}", "nest");

    [Theory]
    [InlineData("{% if 1 %}", "{% endif %}")]
    [InlineData("{% for x in y %}", "{% endfor %}")]
    [InlineData("{% set x %}", "{% endset %}")]
    [InlineData("{% filter upper %}", "{% endfilter %}")]
    [InlineData("{% macro m() %}", "{% endmacro %}")]
    public void Deep_nesting_of_tags_is_refused(string open, string close) =>
        AssertLimit(Repeat(open, 5_000) + Repeat(close, 5_000), "nest");

    [Fact]
    public void Nesting_up_to_the_limit_renders()
    {
        Assert.Equal("1", Render.Text($"{{{{ {Repeat("(", 100)}1{Repeat(")", 100)} }}}}"));
        Assert.Equal("101", Render.Text($"{{{{ 1{Repeat(" + 1", 100)} }}}}"));
    }

    [Fact]
    public void A_source_beyond_its_limit_is_refused_before_it_is_read() =>
        AssertLimit(new string('{', ChatTemplateLimits.Default.MaxSourceLength + 1), "source");

    [Theory]
    [InlineData("{{ 10**10**10 }}")]
    [InlineData("{{ 2**4096 }}")]
    [InlineData("{% set ns = namespace(n=10) %}{% for i in range(64) %}{% set ns.n = ns.n * ns.n %}{% endfor %}")]
    [InlineData("{{ x }}")]
    public void A_huge_integer_is_refused(string template) => AssertLimit(template, "bits", $$"""{"x": {{new string('9', 5_000)}}}""");

    [Fact]
    public void A_number_of_too_many_digits_in_the_source_is_refused() => AssertLimit($"{{{{ {new string('9', 5_000)} }}}}", "digits");

    [Fact]
    public void Data_nested_too_deep_is_refused() =>
        Assert.Contains(
            "64",
            Assert.Throws<TemplateException>(() => ChatTemplate.Compile("").Render(Render.Input() with
            {
                Variables = new Dictionary<string, System.Text.Json.JsonElement> { ["x"] = DeepArray(100) },
            })).Message);

    [Fact]
    public void Limits_that_are_set_lower_hold()
    {
        var tight = ChatTemplateLimits.Default with { MaxOutputLength = 10 };

        Assert.Equal("0123456789", Render.Text("{% for i in range(10) %}{{ i }}{% endfor %}", limits: tight));
        Assert.Equal(TemplateErrorKind.LimitExceeded, Render.Failure("{% for i in range(11) %}{{ i }}{% endfor %}", limits: tight).Kind);
    }

    [Fact]
    public void A_cancelled_token_stops_a_render()
    {
        using var source = new CancellationTokenSource();
        var limits = ChatTemplateLimits.Default with { MaxSteps = long.MaxValue };
        const string endless = "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}";
        var render = Task.Run(() => Render.Prompt(endless, limits: limits, cancellationToken: source.Token));

        source.Cancel();

        Assert.ThrowsAny<OperationCanceledException>(() => render.GetAwaiter().GetResult());
    }

    static void AssertLimit(string template, string words, string variables = "{}", ChatTemplateLimits? limits = null)
    {
        var failure = Render.Failure(template, variables, limits);
        Assert.Equal(TemplateErrorKind.LimitExceeded, failure.Kind);
        Assert.Contains(words, failure.Message);
    }

    static string Repeat(string text, int count) => string.Concat(Enumerable.Repeat(text, count));

    static System.Text.Json.JsonElement DeepArray(int depth)
    {
        using var document = System.Text.Json.JsonDocument.Parse(Repeat("[", depth) + Repeat("]", depth), new() { MaxDepth = depth });
        return document.RootElement.Clone();
    }
}
