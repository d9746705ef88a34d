using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Formation.Inference.Cli.Arguments;

namespace Formation.Inference.Cli.Inference;

/// <summary>The options of <c>form inference chat</c> and <c>complete</c> that say how to generate.</summary>
sealed class GenerationOptions
{
    public Option<string> Model { get; } = CommonOptions.Model();

    public Option<int?> MaxTokens { get; } = CommonOptions.Count("--max-tokens", "Tokens to generate at most [default: up to the model's context]", 1, int.MaxValue);

    public Option<float?> Temperature { get; } = Number("--temperature", "0 takes the most probable token each time", 0, 2);

    public Option<float?> TopP { get; } = Number("--top-p", "Keep the most probable tokens up to this probability", 0, 1);

    public Option<long?> Seed { get; } = new("--seed") { Description = "Makes the answer repeatable", HelpName = "N" };

    public Option<string[]> Stop { get; } = new("--stop") { Description = "Text that ends the answer; may be given several times", HelpName = "TEXT" };

    public void AddTo(Command command)
    {
        command.Add(Model);
        command.Add(MaxTokens);
        command.Add(Temperature);
        command.Add(TopP);
        command.Add(Seed);
        command.Add(Stop);
    }

    /// <summary>The request's body with all that was given, streaming with usage.</summary>
    public JsonObject Body(ParseResult parse)
    {
        var body = new JsonObject
        {
            ["model"] = parse.GetValue(Model),
            ["stream"] = true,
            ["stream_options"] = new JsonObject { ["include_usage"] = true },
        };
        if (parse.GetValue(MaxTokens) is { } maxTokens)
            body["max_tokens"] = maxTokens;
        if (parse.GetValue(Temperature) is { } temperature)
            body["temperature"] = temperature;
        if (parse.GetValue(TopP) is { } topP)
            body["top_p"] = topP;
        if (parse.GetValue(Seed) is { } seed)
            body["seed"] = seed;
        if (parse.GetValue(Stop) is { Length: > 0 } stop)
            body["stop"] = new JsonArray([.. stop.Select(text => JsonValue.Create(text))]);
        return body;
    }

    private static Option<float?> Number(string name, string description, float least, float most) => CommonOptions.Parsed(
        name, "X", $"{description} ({least.ToString(CultureInfo.InvariantCulture)} to {most.ToString(CultureInfo.InvariantCulture)})",
        text => float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most ? value : default(float?),
        $"is not a number from {least} to {most}");
}
