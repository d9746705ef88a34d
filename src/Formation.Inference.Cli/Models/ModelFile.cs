using Formation.Inference.Cli.Terminal;
using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Spectre.Console;

namespace Formation.Inference.Cli.Models;

/// <summary>Opens and loads model files for commands: failures in the command's own words, progress on standard error.</summary>
static class ModelFile
{
    /// <exception cref="CommandException">There is no such file, or it is not a GGUF file that can be read.</exception>
    public static GgufFile Open(string path)
    {
        if (!File.Exists(path))
            throw new CommandException(ExitCode.NotFound, $"There is no file {path}.");
        try
        {
            return GgufFile.Open(path);
        }
        catch (Exception error) when (error is GgufException or IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.Failed, $"{path} can't be read: {error.Message}");
        }
    }

    /// <summary>Brings a file's weights onto a device, with a bar where a person watches.</summary>
    /// <exception cref="CommandException">The file is not a model that this engine computes.</exception>
    public static TransformerModel Load(CommandOutput output, GgufFile file, IComputeDevice device, CancellationToken cancellationToken)
    {
        try
        {
            return output.ErrorIsTerminal
                ? output.Progress.Progress().Start(bars =>
                {
                    var bar = bars.AddTask("Loading", maxValue: 1);
                    return TransformerModel.Load(file, device, new SynchronousProgress(share => bar.Value = share), cancellationToken);
                })
                : TransformerModel.Load(file, device, null, cancellationToken);
        }
        catch (GgufException error)
        {
            throw new CommandException(ExitCode.Failed, error.Message);
        }
    }

    /// <summary>Number of weights in all tensors.</summary>
    public static long ParameterCount(GgufFile file) => file.Tensors.Sum(tensor => tensor.ElementCount);

    // Progress<T> would post each report to the thread pool, where the last may come after the bar is gone.
    private sealed class SynchronousProgress(Action<double> report) : IProgress<double>
    {
        public void Report(double value) => report(value);
    }
}
