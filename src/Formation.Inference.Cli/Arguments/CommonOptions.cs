using System.CommandLine;

namespace Formation.Inference.Cli.Arguments;

/// <summary>Options that many commands share, each made anew for its command so that help texts stay with the command.</summary>
static class CommonOptions
{
    public static Option<string?> Url() => new("--url")
    {
        Description = "Server to talk to [default: FORMATION_URL, else the saved one, else http://127.0.0.1:8080]",
        HelpName = "URL",
        Recursive = true,
    };

    public static Option<string?> Key() => new("--key")
    {
        Description = "API key [default: FORMATION_API_KEY, else the saved one]",
        HelpName = "KEY",
        Recursive = true,
    };

    public static Option<bool> Json() => new("--json") { Description = "One JSON document on standard output and nothing else" };

    public static Option<string> Model() => new("--model", "-m")
    {
        Description = "Model id",
        HelpName = "ID",
        DefaultValueFactory = _ => "formation-llm",
    };

    public static Option<string?> Data() => new("--data")
    {
        Description = "Folder of accounts, keys and registered models [default: ~/.local/share/formation]",
        HelpName = "DIR",
    };

    /// <summary>An option for a size such as <c>512MiB</c>.</summary>
    public static Option<long?> Size(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "SIZE",
        CustomParser = result =>
        {
            var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
            if (ByteSize.TryParse(text, out var bytes) && bytes > 0)
                return bytes;
            result.AddError($"{name} '{text}' is not a size; write for instance 512MiB or 8GiB");
            return null;
        },
    };

    /// <summary>An option for a duration such as <c>30s</c>.</summary>
    public static Option<TimeSpan?> Duration(string name, string description) => Duration(name, description, mayBeZero: false);

    /// <summary>An option for a duration such as <c>30s</c>, or <c>0</c>.</summary>
    public static Option<TimeSpan?> DurationOrZero(string name, string description) => Duration(name, description, mayBeZero: true);

    /// <summary>An option for a whole number in a range.</summary>
    public static Option<int?> Count(string name, string description, int least, int most) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = result =>
        {
            var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
            if (int.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var value) && value >= least && value <= most)
                return value;
            result.AddError($"{name} '{text}' is not a whole number from {least} to {most}");
            return null;
        },
    };

    /// <summary>An option for whole numbers in a range, divided by commas.</summary>
    public static Option<int[]> Counts(string name, string description, int least, int most, int[] otherwise, string example) => new(name)
    {
        Description = description,
        HelpName = example,
        DefaultValueFactory = _ => otherwise,
        CustomParser = result =>
        {
            var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
            var values = new List<int>();
            foreach (var part in text.Split(','))
            {
                if (int.TryParse(part, System.Globalization.CultureInfo.InvariantCulture, out var value) && value >= least && value <= most)
                    values.Add(value);
                else
                    result.AddError($"{name} '{text}' is not a list of numbers from {least} to {most}, such as {example}");
            }
            return [.. values.Distinct()];
        },
    };

    static Option<TimeSpan?> Duration(string name, string description, bool mayBeZero) => new(name)
    {
        Description = description,
        HelpName = "TIME",
        CustomParser = result =>
        {
            var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
            if (mayBeZero && text == "0")
                return TimeSpan.Zero;
            if (Durations.TryParse(text, out var duration) && (mayBeZero || duration > TimeSpan.Zero))
                return duration;
            result.AddError($"{name} '{text}' is not a duration; write for instance 30s, 1h or 7d{(mayBeZero ? ", or 0" : "")}");
            return null;
        },
    };
}
