using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Speculation;
using Formation.Inference.Engine.Speculation.DraftModels;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Serving;

/// <summary>Loads the small model that guesses a larger one's tokens.</summary>
internal sealed class DraftModelLoader(IComputeDevice device, ModelLoadOptions options)
{
    // Rows in which it reads a prompt, between two steps of the larger model.
    const int PrefillRows = 256;

    readonly int _maxRows = Math.Max(PrefillRows, options.Engine.Speculation.MaxSequences);

    /// <summary>What a draft model adds to the memory of its model.</summary>
    /// <param name="FixedBytes">Weights and scratch.</param>
    /// <param name="BytesPerBlock">KV memory for each block of the larger model.</param>
    public readonly record struct Footprint(long FixedBytes, long BytesPerBlock);

    /// <summary>Opens the draft model's file, or null where there is none or none is wanted.</summary>
    public GgufFile? Open(ModelSource source) => options.Engine.Speculation.Mode == SpeculationMode.Auto && source.DraftPath is { } path
        ? Guard(() => GgufFile.Open(path))
        : null;

    public Footprint Measure(GgufFile file) => Guard(() =>
    {
        var config = ModelConfig.Read(file);
        var block = new KvCacheShape(
            config.LayerCount, config.KvHeadCount, config.HeadSize, 1, KvCacheShape.DefaultBlockSize, options.KvFormat);
        var scratch = ModelLoader.ScratchBytes(config, _maxRows, options.Engine.Speculation.MaxSequences);
        return new Footprint(checked(file.Length + scratch), block.BytesPerBlock);
    });

    /// <summary>Loads a draft model.</summary>
    /// <param name="file">Stays the caller's, and open as long as the result.</param>
    /// <param name="tokenizer">The larger model's; the file's must mean the same.</param>
    /// <param name="blockCount">KV blocks of the larger model; it gets as many.</param>
    /// <exception cref="ModelLoadException">The file can't be used, or its vocabulary is another one.</exception>
    public DraftModel Load(GgufFile file, Tokenizer tokenizer, int blockCount, CancellationToken cancellationToken) => Guard(() =>
    {
        if (VocabularyComparison.FindDifference(tokenizer, Tokenizer.FromGguf(file.Metadata)) is { } difference)
            throw new ModelLoadException($"its draft model has another vocabulary: {difference}.");
        var resources = new Stack<IDisposable>();
        try
        {
            var model = TransformerModel.Load(file, device, progress: null, cancellationToken);
            resources.Push(model);
            var head = model.CreateHead(_maxRows);
            resources.Push(head);
            var cache = model.KvShape(model.AllLayers, blockCount, KvCacheShape.DefaultBlockSize, options.KvFormat);
            var stage = model.CreateStage(model.AllLayers, cache, _maxRows);
            return new DraftModel
            {
                Pipeline = new Pipeline(head, [stage], _maxRows),
                ContextLength = model.Config.ContextLength,
                BlockCount = blockCount,
                Resources = [model],
            };
        }
        catch
        {
            while (resources.TryPop(out var resource))
                resource.Dispose();
            throw;
        }
    });

    static T Guard<T>(Func<T> load)
    {
        try
        {
            return load();
        }
        catch (GgufException fault)
        {
            throw new ModelLoadException($"its draft model's file can't be used ({fault.Kind}).", fault);
        }
    }
}
