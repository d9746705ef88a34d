using System.CommandLine;
using Formation.Inference.Engine.Speculation;

namespace Formation.Inference.Cli.Inference;

/// <summary>The options of speculative decoding.</summary>
static class SpeculationArguments
{
    public static Option<string> Mode()
    {
        var option = new Option<string>("--speculative")
        {
            Description = "Verify several guessed tokens in a step where that pays; the answers are the same",
            DefaultValueFactory = _ => "auto",
        };
        option.AcceptOnlyFromAmong("off", "lookup", "auto");
        return option;
    }

    /// <summary>The mode of a value that the option accepts.</summary>
    public static SpeculationMode Parse(string mode) => Enum.Parse<SpeculationMode>(mode, ignoreCase: true);
}
