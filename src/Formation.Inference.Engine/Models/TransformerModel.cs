using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Layers;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Attention;

namespace Formation.Inference.Engine.Models;

/// <summary>
/// A decoder's configuration and weights on a device. Stages of any layers, and the head, are made from it and share its weights.
/// </summary>
/// <remarks>Disposed after the stages and the head that were made from it, and before the device and the file.</remarks>
public sealed class TransformerModel : IDisposable
{
    private readonly IReadOnlyList<DecoderLayer> _layers;
    private readonly IReadOnlyList<IDisposable> _loaded;
    private readonly RotaryFrequencies _rotary;
    private readonly DeviceWeight _embedding;
    private readonly DeviceVector _outputNorm;
    private readonly DeviceWeight _output;

    private TransformerModel(ModelConfig config, IComputeDevice device, WeightReader reader)
    {
        Config = config;
        Device = device;
        _rotary = reader.ReadRotary();
        _embedding = reader.ReadEmbedding();
        _outputNorm = reader.ReadOutputNorm();
        _output = reader.ReadOutput(_embedding);
        _layers = [.. Enumerable.Range(0, config.LayerCount).Select(reader.ReadLayer)];
        reader.RequireAllRead();
        _loaded = reader.Loaded;
    }

    public ModelConfig Config { get; }

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
        GgufFile file, IComputeDevice device, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        var config = ModelConfig.Read(file);
        var reader = new WeightReader(file, config, device, progress, cancellationToken);
        try
        {
            return new TransformerModel(config, device, reader);
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
        new(layers.Count, Config.KvHeadCount, Config.HeadSize, blockCount, blockSize, format);

    /// <summary>Makes a stage with a KV cache of its own.</summary>
    /// <param name="layers">A range of <see cref="AllLayers"/>.</param>
    /// <param name="cache">From <see cref="KvShape"/> for the same layers.</param>
    /// <param name="maxRows">Rows of the largest batch.</param>
    /// <exception cref="ArgumentException">Layers or cache do not fit the model.</exception>
    /// <exception cref="OutOfMemoryException">The cache does not fit into the device's memory.</exception>
    public LocalStage CreateStage(LayerRange layers, KvCacheShape cache, int maxRows)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxRows);
        if (layers.First < 0 || layers.Count < 1 || layers.End > Config.LayerCount)
            throw new ArgumentOutOfRangeException(nameof(layers), layers, $"the model has layers 0-{Config.LayerCount - 1}");
        if (cache != KvShape(layers, cache.BlockCount, cache.BlockSize, cache.Format))
            throw new ArgumentException($"the cache, {cache}, is not one for {layers} of this model", nameof(cache));
        return new LocalStage(Config, Device, layers, [.. _layers.Skip(layers.First).Take(layers.Count)], _rotary, cache, maxRows);
    }

    /// <summary>Makes the model's two ends.</summary>
    /// <param name="maxRows">Rows of the largest batch.</param>
    public LocalHead CreateHead(int maxRows) => new(Config, Device, _embedding, _outputNorm, _output, maxRows);

    public void Dispose()
    {
        foreach (var weight in _loaded)
            weight.Dispose();
    }
}
