using System.Text.Json;
using Formation.Inference.Engine.Templates;

namespace Formation.Inference.Engine.Tests.Templates;

/// <summary>Expressions, filters, tests, statements and white space give what Python's Jinja2 gives (Golden/templates/semantics).</summary>
public sealed class SemanticsTests
{
    [Fact]
    public void Every_case_renders_or_fails_as_in_python()
    {
        var golden = GoldenFile.Read("semantics/golden.json");
        var variables = golden.GetProperty("variables").EnumerateObject().ToDictionary(
            property => property.Name, property => property.Value);
        var cases = golden.GetProperty("cases").EnumerateArray().ToList();

        var differences = cases
            .Select(item => (Template: item.GetProperty("template").GetString()!, Expected: Expected(item)))
            .Select(item => (item.Template, item.Expected, Actual: Actual(item.Template, variables)))
            .Where(item => item.Expected != item.Actual)
            .Select(item => $"{item.Template}\n  expected {item.Expected ?? "an error"}\n  actual   {item.Actual ?? "an error"}");

        Assert.Empty(differences);
        Assert.True(cases.Count > 800);
    }

    static string? Expected(JsonElement item) => item.TryGetProperty("output", out var output) ? output.GetString() : null;

    static string? Actual(string template, Dictionary<string, JsonElement> variables)
    {
        try
        {
            var input = Render.Input(new ChatMessage("user", "hi")) with { Variables = variables };
            return ChatTemplate.Compile(template).Render(input).Text;
        }
        catch (TemplateException)
        {
            return null;
        }
    }
}
