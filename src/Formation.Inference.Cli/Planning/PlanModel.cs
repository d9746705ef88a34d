using Formation.Inference.Cli.Hosting;
using Formation.Inference.Cli.Models;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Node.Weights;

namespace Formation.Inference.Cli.Planning;

/// <summary>Finds the model that a plan is for: a GGUF file, or the id of a model that this machine would serve.</summary>
static class PlanModel
{
    /// <exception cref="CommandException">There is neither such a file nor such an id, or the engine does not compute the model.</exception>
    public static ModelShape Read(string model, string dataFolder, KvFormat kvFormat)
    {
        var (id, path) = Find(model, dataFolder);
        using var file = ModelFile.Open(path);
        try
        {
            return ModelShapes.Of(file, id, kvFormat);
        }
        catch (Exception error) when (error is GgufException or ArgumentException or OverflowException)
        {
            throw new CommandException(ExitCode.Failed, $"{path} can't be planned: {error.Message}");
        }
    }

    private static (string Id, string Path) Find(string model, string dataFolder)
    {
        if (File.Exists(model))
            return (ModelId.FromFileName(model) ?? "model", model);
        var sources = ModelSources.Find(RegisteredModels.Load(dataFolder).Paths, null, []);
        return sources.FirstOrDefault(source => source.Id == model) is { } found
            ? (found.Id, ModelSources.RequireFile(found.Id, found.Path))
            : throw new CommandException(
                ExitCode.NotFound,
                $"'{model}' is neither a file nor a model of this machine; give a GGUF file or one of {string.Join(", ", sources.Select(source => source.Id))}.");
    }
}
