using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Layers;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Attention;

namespace Formation.Inference.Engine.Models;

/// <summary>
/// A decoder's configuration and weights, or a part of them, on a device. Stages of any layers, and the head, are made from it and share its weights.
/// </summary>
/// <remarks>Disposed after the stages and the head that were made from it, and before the device and the file.</remarks>
public sealed class TransformerModel : IDisposable
{
    private readonly IReadOnlyList<DecoderLayer> _layers;
    private readonly IReadOnlyList<IDisposable> _loaded;
    private readonly RotaryFrequencies _rotary;
    private readonly Ends? _ends;
    private readonly ModelConfig _own;

    private TransformerModel(ModelConfig config, ModelPart part, IComputeDevice device, WeightReader reader)
    {
        (Config, _own) = (config, reader.Cuts.Cut(config));
        Part = part;
        Device = device;
        _rotary = reader.ReadRotary();
        if (part.HasEnds)
        {
            var embedding = reader.ReadEmbedding();
            var norm = reader.ReadOutputNorm();
            _ends = new Ends(embedding, norm, reader.ReadOutput(embedding));
        }
        _layers = [.. Enumerable.Range(part.Layers.First, part.Layers.Count).Select(reader.ReadLayer)];
        reader.RequireAllRead();
        _loaded = reader.Loaded;
    }

    /// <summary>The whole model's, whatever the part.</summary>
    public ModelConfig Config { get; }

    /// <summary>What of the model is here.</summary>
    public ModelPart Part { get; }

    public IComputeDevice Device { get; }

    /// <summary>All layers of the model.</summary>
    public LayerRange AllLayers => new(0, Config.LayerCount);

    /// <summary>Checks a file and brings its weights onto a device.</summary>
    /// <param name="file">Stays open as long as the model: the CPU computes on its pages.</param>
    /// <param name="device">Outlives the model.</param>
    /// <param name="progress">Told the share of the bytes that is loaded, 0 to 1, or null.</param>
    /// <param name="cancellationToken">Ends the load with <see cref="OperationCanceledException"/>; nothing stays loaded.</param>
    /// <exception cref="GgufException">The file is not a model that this engine computes; the message names the key or tensor.</exception>
    public static TransformerModel Load(
        GgufFile file, IComputeDevice device, IProgress<double>? progress = null, CancellationToken cancellationToken = default) =>
        Load(file, ModelConfig.Read(file), null, device, progress, cancellationToken);

    /// <summary>Checks a file and brings a part of its weights onto a device; the others' pages are not touched.</summary>
    /// <param name="part">The part, inside the model's layers.</param>
    /// <inheritdoc cref="Load(GgufFile, IComputeDevice, IProgress{double}?, CancellationToken)"/>
    /// <exception cref="ArgumentOutOfRangeException">The model has not these layers, or there is no such share of them.</exception>
    public static TransformerModel LoadPart(
        GgufFile file, ModelPart part, IComputeDevice device, IProgress<double>? progress = null, CancellationToken cancellationToken = default) =>
        Load(file, ModelConfig.Read(file), part, device, progress, cancellationToken);

    private static TransformerModel Load(
        GgufFile file, ModelConfig config, ModelPart? wanted, IComputeDevice device, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        var part = wanted ?? ModelPart.Whole(config);
        if (part.Layers.First < 0 || part.Layers.Count < 0 || part.Layers.Count > config.LayerCount - part.Layers.First)
            throw new ArgumentOutOfRangeException(nameof(wanted), part.Layers, $"the model has layers 0-{config.LayerCount - 1}");
        var reader = new WeightReader(file, config, part, device, progress, cancellationToken);
        try
        {
            return new TransformerModel(config, part, device, reader);
        }
        catch
        {
            foreach (var weight in reader.Loaded)
                weight.Dispose();
            throw;
        }
    }

    /// <summary>The KV cache that a stage of these layers has, for asking its size before making it.</summary>
    public KvCacheShape KvShape(
        LayerRange layers, int blockCount, int blockSize = KvCacheShape.DefaultBlockSize, KvFormat format = KvFormat.F16) =>
        new(layers.Count, _own.KvHeadCount, _own.HeadSize, blockCount, blockSize, format);

    /// <summary>Makes a stage with a KV cache of its own.</summary>
    /// <param name="layers">A range of what <see cref="Part"/> has.</param>
    /// <param name="cache">From <see cref="KvShape"/> for the same layers.</param>
    /// <param name="maxRows">Rows of the largest batch.</param>
    /// <param name="exchange">Reaches the members that hold the rest of each layer; null where <see cref="Part"/> has all of it.</param>
    /// <exception cref="ArgumentException">Layers, cache or exchange do not fit the model.</exception>
    /// <exception cref="OutOfMemoryException">The cache does not fit into the device's memory.</exception>
    public LocalStage CreateStage(LayerRange layers, KvCacheShape cache, int maxRows, ITensorExchange? exchange = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxRows);
        if ((exchange?.Share ?? TensorShare.Whole) != Part.Share)
            throw new ArgumentException($"the exchange is one for {exchange?.Share ?? TensorShare.Whole}; {Part.Share} is here", nameof(exchange));
        if (layers.First < Part.Layers.First || layers.Count < 1 || layers.Count > Part.Layers.End - layers.First)
            throw new ArgumentOutOfRangeException(nameof(layers), layers, $"of this model, {Part.Layers} are here");
        if (cache != KvShape(layers, cache.BlockCount, cache.BlockSize, cache.Format))
            throw new ArgumentException($"the cache, {cache}, is not one for {layers} of this model", nameof(cache));
        return new LocalStage(_own, Device, layers, [.. _layers.Skip(layers.First - Part.Layers.First).Take(layers.Count)], _rotary, cache, maxRows, exchange);
    }

    /// <summary>Makes the model's two ends.</summary>
    /// <param name="maxRows">Rows of the largest batch.</param>
    /// <exception cref="InvalidOperationException">The ends are not in the part that was loaded.</exception>
    public LocalHead CreateHead(int maxRows) => _ends is { } ends
        ? new LocalHead(Config, Device, ends.Embedding, ends.Norm, ends.Output, maxRows)
        : throw new InvalidOperationException("the model's ends were not loaded");

    public void Dispose()
    {
        foreach (var weight in _loaded)
            weight.Dispose();
    }

    private sealed record Ends(DeviceWeight Embedding, DeviceVector Norm, DeviceWeight Output);
}
