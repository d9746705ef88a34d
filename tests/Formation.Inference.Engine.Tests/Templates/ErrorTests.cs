using Formation.Inference.Engine.Templates;

namespace Formation.Inference.Engine.Tests.Templates;

/// <summary>Errors say what is wrong and where, and nothing of what users wrote.</summary>
public sealed class ErrorTests
{
    [Theory]
    [InlineData("{{ 1 + }}", 1, 8, "expression")]
    [InlineData("a\n  {{ (1 }}", 2, 9, "')'")]
    [InlineData("{% if true %}\nx\n", 2, 2, "endif")]
    [InlineData("\n{% endfor %}", 2, 4, "endfor")]
    [InlineData("{% for x of y %}{% endfor %}", 1, 10, "'in'")]
    [InlineData("x {{ 'abc }}", 1, 6, "string")]
    [InlineData("x\n\n {# open", 3, 2, "comment")]
    [InlineData("{% raw %} {% endra %}", 1, 1, "raw")]
    [InlineData("{{ a ? b }}", 1, 6, "U+003F")]
    [InlineData("{% set true = 1 %}", 1, 8, "true")]
    [InlineData("{{ '\\xZZ' }}", 1, 5, "hexadecimal")]
    [InlineData("{% break %}", 1, 4, "loop")]
    [InlineData("{% for x in y %}{% macro m() %}{% continue %}{% endmacro %}{% endfor %}", 1, 35, "loop")]
    public void A_syntax_error_names_its_place(string template, int line, int column, string words) =>
        AssertFailure(Render.Failure(template), TemplateErrorKind.Syntax, line, column, words);

    [Theory]
    [InlineData("a\n{{ missing.x }}", TemplateErrorKind.Undefined, 2, 11, "'missing' is undefined")]
    [InlineData("{{ messages[0].nope.x }}", TemplateErrorKind.Undefined, 1, 20, "'nope' is undefined")]
    [InlineData("{{ nope() }}", TemplateErrorKind.Undefined, 1, 8, "'nope'")]
    [InlineData("{{ 1 +\n missing }}", TemplateErrorKind.Undefined, 1, 6, "'missing'")]
    [InlineData("x{{ 'a' + 1 }}", TemplateErrorKind.InvalidOperation, 1, 9, "str and int")]
    [InlineData("{{ 1 / 0 }}", TemplateErrorKind.InvalidOperation, 1, 6, "zero")]
    [InlineData("{{ 'a' < 1 }}", TemplateErrorKind.InvalidOperation, 1, 8, "order")]
    [InlineData("{{ 5() }}", TemplateErrorKind.InvalidOperation, 1, 5, "called")]
    [InlineData("{{ x|\n  nope }}", TemplateErrorKind.Unsupported, 2, 3, "filter 'nope'")]
    [InlineData("{{ x is nope }}", TemplateErrorKind.Unsupported, 1, 9, "test 'nope'")]
    [InlineData("{% nope %}", TemplateErrorKind.Unsupported, 1, 4, "'nope'")]
    [InlineData("{{ range('a') }}", TemplateErrorKind.InvalidOperation, 1, 9, "integers")]
    [InlineData("{{ 'a'|center('b') }}", TemplateErrorKind.InvalidOperation, 1, 8, "'width'")]
    [InlineData("{{ 'a'|trim(1, 2, 3) }}", TemplateErrorKind.InvalidOperation, 1, 8, "at most 1")]
    [InlineData("{{ 'a'|indent(size=3) }}", TemplateErrorKind.InvalidOperation, 1, 8, "parameter")]
    [InlineData("{% macro m(a) %}{% endmacro %}\n{{ m(1, 2) }}", TemplateErrorKind.InvalidOperation, 2, 5, "macro 'm'")]
    [InlineData("{% for x in 5 %}{% endfor %}", TemplateErrorKind.InvalidOperation, 1, 1, "int")]
    [InlineData("{% set d.x = 1 %}", TemplateErrorKind.InvalidOperation, 1, 8, "namespace")]
    [InlineData("{% for a, b in [[1]] %}{% endfor %}", TemplateErrorKind.InvalidOperation, 1, 8, "unpacked")]
    [InlineData("{{ {[1]: 2} }}", TemplateErrorKind.InvalidOperation, 1, 4, "key")]
    [InlineData("\n {{ raise_exception('No system turn here') }}", TemplateErrorKind.Raised, 2, 20, "No system turn here")]
    public void A_failure_while_rendering_names_its_place(string template, TemplateErrorKind kind, int line, int column, string words) =>
        AssertFailure(Render.Failure(template), kind, line, column, words);

    [Fact]
    public void A_place_inside_a_macro_is_the_macros()
    {
        var failure = Render.Failure("{% macro m(a) %}\n  {{ a.b.c }}\n{% endmacro %}\n{{ m({}) }}");

        Assert.Equal(2, failure.Line);
    }

    [Theory]
    [InlineData("{{ raise_exception('Unknown role: ' ~ secret) }}")]
    [InlineData("{{ raise_exception(secret) }}")]
    [InlineData("{{ d[secret].x }}")]
    [InlineData("{{ messages[0][secret].x }}")]
    [InlineData("{{ [1]|map(secret)|list }}")]
    [InlineData("{{ [1]|select(secret)|list }}")]
    [InlineData("{{ [d]|map(attribute=secret)|map(attribute='x')|list }}")]
    [InlineData("{{ secret + 1 }}")]
    [InlineData("{{ secret|int + [] }}")]
    [InlineData("{{ secret % 5 }}")]
    [InlineData("{{ ('%' ~ secret) % 5 }}")]
    [InlineData("{{ ('{' ~ secret ~ '}').format() }}")]
    [InlineData("{{ ('{:' ~ secret ~ '}').format(5) }}")]
    [InlineData("{{ [].index(secret) }}")]
    [InlineData("{{ {}.pop(secret) }}")]
    [InlineData("{{ range(secret) }}")]
    [InlineData("{{ 'a'|trim(**{secret: 1}) }}")]
    [InlineData("{{ namespace(**{secret: 1})[secret].x.y }}")]
    [InlineData("{% macro m() %}{% endmacro %}{{ m(**{secret: 1}) }}")]
    [InlineData("{{ messages[0].content.nope() }}")]
    public void What_a_user_wrote_is_not_told(string template)
    {
        var failure = Render.Failure(template, """{"secret": "canary", "d": {}}""");

        Assert.DoesNotContain("canary", failure.ToString());
    }

    [Fact]
    public void A_message_of_the_template_is_told_without_the_users_part() =>
        Assert.Contains(
            "Unknown role: [redacted 6]!",
            Render.Failure("{{ raise_exception('Unknown role: ' ~ x ~ '!') }}", """{"x": "canary"}""").Message);

    [Fact]
    public void Ill_formed_unicode_in_the_requests_json_is_refused() =>
        Assert.Equal(TemplateErrorKind.InvalidInput, Render.Failure("", """{"x": "\ud800"}""").Kind);

    static void AssertFailure(TemplateException failure, TemplateErrorKind kind, int line, int column, string words)
    {
        Assert.Equal((kind, line, column), (failure.Kind, failure.Line, failure.Column));
        Assert.Contains(words, failure.Message);
        Assert.Contains($"line {line}, column {column}", failure.Message);
    }
}
