using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Layers;
using Formation.Inference.Engine.Models;

namespace Formation.Inference.Engine.Stages;

/// <summary>Layers that this process computes on its own device. Made by <see cref="TransformerModel.CreateStage"/>.</summary>
public sealed class LocalStage : IModelStage
{
    private readonly IComputeDevice _device;
    private readonly Decoder _decoder;
    private readonly IReadOnlyList<DecoderLayer> _layers;
    private readonly RotaryFrequencies _rotary;
    private readonly DecoderWorkspace _work;
    private readonly DeviceKvCache _cache;
    private readonly DeviceBatch _batch;
    private readonly bool _isShared;

    internal LocalStage(
        ModelConfig config, IComputeDevice device, LayerRange range, IReadOnlyList<DecoderLayer> layers, RotaryFrequencies rotary,
        KvCacheShape cache, int maxRows, ITensorExchange? exchange)
    {
        Layers = range;
        _isShared = exchange is not null;
        _device = device;
        _decoder = new Decoder(config, device, exchange);
        _layers = layers;
        _rotary = rotary;
        _cache = device.AllocateKvCache(cache);
        try
        {
            _batch = device.AllocateBatch(_cache, config.HeadCount);
            _work = new DecoderWorkspace(config, device, maxRows, _isShared);
        }
        catch
        {
            _batch?.Dispose();
            _cache.Dispose();
            throw;
        }
    }

    public LayerRange Layers { get; }

    /// <summary>The size of the KV cache.</summary>
    public KvCacheShape Cache => _cache.Shape;

    /// <exception cref="ArgumentException">Rows, positions or blocks of the batch do not fit together, the activations or the
    /// cache.</exception>
    /// <exception cref="OperationCanceledException">
    /// Seen between two layers, and where other members share the layers before the first one; the activations are as they were.
    /// </exception>
    /// <exception cref="StageLostException">Another member of the group that shares the layers is lost.</exception>
    public ValueTask ForwardAsync(Batch batch, Activations activations, CancellationToken cancellationToken)
    {
        if (activations.Width != _work.Hidden.Columns || activations.Rows != batch.RowCount)
        {
            throw new ArgumentException(
                $"a batch of {batch.RowCount} rows needs activations of that many rows and width {_work.Hidden.Columns}, " +
                $"not {activations.Rows} and {activations.Width}", nameof(activations));
        }
        _batch.Set(batch);
        _work.SetRows(batch.RowCount);
        _device.Write(activations.Values, _work.Hidden);
        _device.RotaryAngles(_rotary, _batch, _work.Angles);
        for (var i = 0; i < _layers.Count; i++)
        {
            // Who stops between two layers leaves the other members waiting.
            if (i == 0 || !_isShared)
                cancellationToken.ThrowIfCancellationRequested();
            _decoder.Forward(_layers[i], i, _cache, _batch, _work);
        }
        _device.Read(_work.Hidden, activations.Values);
        return ValueTask.CompletedTask;
    }

    public void Dispose()
    {
        _work.Dispose();
        _batch.Dispose();
        _cache.Dispose();
    }
}
