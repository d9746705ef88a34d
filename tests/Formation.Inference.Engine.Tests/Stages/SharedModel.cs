using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;
using Formation.Inference.Testing.Stages;

namespace Formation.Inference.Engine.Tests.Stages;

/// <summary>A small model whose layers several members share, and whole as well.</summary>
internal sealed class SharedModel : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly GgufFile _file;
    private readonly CpuDevice _device = new(1);
    private readonly TransformerModel[] _members;

    public SharedModel(TinyModelOptions options, int members)
    {
        var path = _directory.File("model.gguf");
        TinyModel.Build(path, options);
        _file = GgufFile.Open(path);
        Whole = TransformerModel.Load(_file, _device);
        var part = new ModelPart(Whole.AllLayers, HasEnds: false);
        _members = [.. Enumerable.Range(0, members).Select(
            rank => TransformerModel.LoadPart(_file, part with { Share = new TensorShare(rank, members) }, _device))];
    }

    public TransformerModel Whole { get; }

    public IReadOnlyList<TransformerModel> Members => _members;

    /// <summary>The layers as one stage that all members compute.</summary>
    public IModelStage CreateGroup(int blockCount = 32, int maxRows = 64, KvFormat format = KvFormat.F16)
    {
        var exchange = new ThreadExchange(_members.Length);
        return new ThreadGroup([.. _members.Select((model, rank) => model.CreateStage(
            model.AllLayers, model.KvShape(model.AllLayers, blockCount, format: format), maxRows, exchange.Members[rank]))]);
    }

    /// <summary>The same layers, computed alone.</summary>
    public IModelStage CreateWhole(int blockCount = 32, int maxRows = 64, KvFormat format = KvFormat.F16) =>
        Whole.CreateStage(Whole.AllLayers, Whole.KvShape(Whole.AllLayers, blockCount, format: format), maxRows);

    public void Dispose()
    {
        foreach (var member in _members)
            member.Dispose();
        Whole.Dispose();
        _device.Dispose();
        _file.Dispose();
        _directory.Dispose();
    }
}
