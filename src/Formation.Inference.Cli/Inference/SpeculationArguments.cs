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

    public static Option<string[]> DraftModels() => new("--draft-model")
    {
        Description = "A small GGUF file with the same vocabulary that guesses the tokens of the models of --model; or of one model",
        HelpName = "[ID=]PATH",
    };

    /// <summary>The mode of a value that the option accepts.</summary>
    /// <exception cref="CommandException">Draft models are given that this mode does not use.</exception>
    public static SpeculationMode Parse(string mode, IReadOnlyList<string> draftModels)
    {
        var parsed = Enum.Parse<SpeculationMode>(mode, ignoreCase: true);
        return draftModels.Count == 0 || parsed == SpeculationMode.Auto
            ? parsed
            : throw new CommandException(ExitCode.WrongUsage, $"--draft-model is not used with --speculative {mode}; leave one of them out.");
    }
}
