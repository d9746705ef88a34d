using System.CommandLine;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Terminal;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.Threading;
using Formation.Inference.Training;
using Formation.Inference.Training.Nano;

namespace Formation.Inference.Cli.Training;

/// <summary><c>form train</c>: makes the bundled model anew, from its data to a GGUF file.</summary>
static class TrainCommand
{
    public static Command Create(CommandContext context)
    {
        var data = new Option<string>("--from")
        {
            Description = "Folder of the training data",
            HelpName = "DIR",
            DefaultValueFactory = _ => Path.Combine("models", "formation-nano", "data"),
        };
        var output = new Option<string>("--output", "-o")
        {
            Description = "GGUF file to write",
            HelpName = "FILE",
            DefaultValueFactory = _ => "formation-nano.gguf",
        };
        var work = new Option<string?>("--work")
        {
            Description = "Folder of the checkpoint, from which a stopped run goes on [default: OUTPUT.work]",
            HelpName = "DIR",
        };
        var threads = CommonOptions.Count("--threads", "Threads that compute [default: one for each core]", 1, WorkerTeam.MaxThreads);
        var command = new Command("train", "Trains the bundled model from its data; about an hour on two cores. Ctrl+C stops, the same command goes on")
        {
            data, output, work, threads,
        };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var file = Path.GetFullPath(parse.GetValue(output)!);
            var folder = Path.GetFullPath(parse.GetValue(data)!);
            if (!Directory.Exists(folder))
                throw new CommandException(ExitCode.NotFound, $"There is no data folder {folder}; run in the repository's root or give --from DIR.");
            var options = new NanoRecipeOptions(
                folder,
                Path.GetFullPath(parse.GetValue(work) ?? file + ".work"),
                file,
                parse.GetValue(threads) ?? MachineDescription.Read().DefaultThreads);
            using var stop = new StopSignals(cancellationToken);
            try
            {
                await new NanoRecipe(options, context.Time).RunAsync(new Lines(context), stop.Token);
            }
            catch (OperationCanceledException)
            {
                context.Output.Note($"Stopped. The same command goes on from the checkpoint in {options.WorkFolder}");
                return ExitCode.Failed;
            }
            catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException)
            {
                throw new CommandException(ExitCode.Failed, error.Message);
            }
            context.Output.Out.WriteLine(file);
            return ExitCode.Done;
        });
        return command;
    }

    // Each line is written when it comes; Progress<T> would order nothing.
    private sealed class Lines(CommandContext context) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) =>
            context.Output.Note($"{context.Time.GetLocalNow():HH:mm:ss} {value}");
    }
}
