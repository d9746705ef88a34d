using System.Text.Json;
using Formation.Inference.Engine.Templates;
using Formation.Inference.Engine.Tokenization;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Engine.Tests.Templates;

/// <summary>Renders templates in one line.</summary>
static class Render
{
    /// <summary>A Friday, in UTC.</summary>
    public static TimeProvider Clock { get; } = new FakeTimeProvider(new DateTimeOffset(2024, 7, 5, 13, 4, 9, TimeSpan.Zero));

    public static ChatTemplateInput Input(params ChatMessage[] messages) => new() { Messages = messages, TimeProvider = Clock };

    /// <summary>The prompt of a template, with variables given as a JSON object.</summary>
    public static PromptText Prompt(
        string template, string variables = "{}", ChatTemplateLimits? limits = null, CancellationToken cancellationToken = default) =>
        ChatTemplate.Compile(template, limits).Render(
            Input(new ChatMessage("user", "hi")) with { Variables = Variables(variables) }, cancellationToken);

    public static string Text(string template, string variables = "{}", ChatTemplateLimits? limits = null) =>
        Prompt(template, variables, limits).Text;

    /// <summary>The exception that compiling or rendering ends with.</summary>
    public static TemplateException Failure(string template, string variables = "{}", ChatTemplateLimits? limits = null) =>
        Assert.Throws<TemplateException>(() => Prompt(template, variables, limits));

    public static Dictionary<string, JsonElement> Variables(string json) =>
        Json(json).EnumerateObject().ToDictionary(property => property.Name, property => property.Value);

    public static JsonElement Json(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }

    /// <summary>The parts of a prompt in which special tokens count, in order.</summary>
    public static IEnumerable<string> ControlParts(this PromptText prompt) =>
        prompt.ControlRanges.Select(range => prompt.Text.Substring(range.Start, range.Length));

    /// <summary>The parts of a prompt that came from data, in order.</summary>
    public static IEnumerable<string> DataParts(this PromptText prompt)
    {
        var at = 0;
        foreach (var range in prompt.ControlRanges.Append(new TextRange(prompt.Text.Length, 0)))
        {
            if (range.Start > at)
                yield return prompt.Text[at..range.Start];
            at = range.End;
        }
    }
}
