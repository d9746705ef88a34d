using System.CommandLine;
using System.Globalization;

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
    public static Option<long?> Size(string name, string description) => Parsed(
        name, "SIZE", description, text => ByteSize.TryParse(text, out var bytes) && bytes > 0 ? bytes : default(long?),
        "is not a size; write for instance 512MiB or 8GiB");

    /// <summary>An option for a duration such as <c>30s</c>.</summary>
    public static Option<TimeSpan?> Duration(string name, string description) => Duration(name, description, mayBeZero: false);

    /// <summary>An option for a duration such as <c>30s</c>, or <c>0</c>.</summary>
    public static Option<TimeSpan?> DurationOrZero(string name, string description) => Duration(name, description, mayBeZero: true);

    /// <summary>An option for a whole number in a range.</summary>
    public static Option<int?> Count(string name, string description, int least, int most) => Parsed(
        name, "N", description,
        text => int.TryParse(text, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most ? value : default(int?),
        $"is not a whole number from {least} to {most}");

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
                if (int.TryParse(part, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most)
                    values.Add(value);
                else
                    result.AddError($"{name} '{text}' is not a list of numbers from {least} to {most}, such as {example}");
            }
            return [.. values.Distinct()];
        },
    };

    /// <summary>An option whose value is read by a function of its own.</summary>
    /// <param name="name">With its dashes.</param>
    /// <param name="helpName">What help texts call the value.</param>
    /// <param name="description">For help texts.</param>
    /// <param name="read">The value of a text, or null where it is none.</param>
    /// <param name="fault">What a text is then, behind its name: <c>is not a size</c>.</param>
    public static Option<T> Parsed<T>(string name, string helpName, string description, Func<string, T> read, string fault) => new(name)
    {
        Description = description,
        HelpName = helpName,
        CustomParser = result =>
        {
            var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
            var value = read(text);
            if (value is null)
                result.AddError($"{name} '{text}' {fault}");
            return value;
        },
    };

    static Option<TimeSpan?> Duration(string name, string description, bool mayBeZero) => Parsed(
        name, "TIME", description,
        text => mayBeZero && text == "0" ? TimeSpan.Zero
            : Durations.TryParse(text, out var duration) && (mayBeZero || duration > TimeSpan.Zero) ? duration
            : default(TimeSpan?),
        $"is not a duration; write for instance 30s, 1h or 7d{(mayBeZero ? ", or 0" : "")}");
}
