using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Engine.Tests.Stages;

/// <summary>A small model with random weights, built into a file and loaded onto the CPU.</summary>
internal sealed class LoadedModel : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly GgufFile _file;
    private readonly CpuDevice _device;

    public LoadedModel(TinyModelOptions options, int threads = 2)
    {
        var path = _directory.File("model.gguf");
        TinyModel.Build(path, options);
        _file = GgufFile.Open(path);
        _device = new CpuDevice(threads);
        Model = TransformerModel.Load(_file, _device);
    }

    public TransformerModel Model { get; }

    /// <summary>A pipeline whose stages end where <paramref name="cuts"/> say.</summary>
    public Pipeline CreatePipeline(int maxRows = 64, KvFormat format = KvFormat.F16, params int[] cuts)
    {
        var stages = new List<IModelStage>();
        foreach (var end in (int[])[.. cuts, Model.Config.LayerCount])
        {
            var layers = new LayerRange(stages.LastOrDefault()?.Layers.End ?? 0, end - (stages.LastOrDefault()?.Layers.End ?? 0));
            stages.Add(CreateStage(layers, maxRows, format));
        }
        return new Pipeline(Model.CreateHead(maxRows), stages, maxRows);
    }

    public LocalStage CreateStage(LayerRange layers, int maxRows = 64, KvFormat format = KvFormat.F16) =>
        Model.CreateStage(layers, Model.KvShape(layers, blockCount: 32, format: format), maxRows);

    public void Dispose()
    {
        Model.Dispose();
        _device.Dispose();
        _file.Dispose();
        _directory.Dispose();
    }
}
