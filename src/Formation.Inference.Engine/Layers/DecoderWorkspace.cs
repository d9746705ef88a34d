using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Models;

namespace Formation.Inference.Engine.Layers;

/// <summary>The matrices that a stage's layers compute in, made once and used by every layer of every step.</summary>
internal sealed class DecoderWorkspace : IDisposable
{
    private readonly List<DeviceMatrix> _all = [];

    public DecoderWorkspace(ModelConfig config, IComputeDevice device, int maxRows)
    {
        DeviceMatrix Allocate(int columns)
        {
            _all.Add(device.AllocateMatrix(maxRows, columns));
            return _all[^1];
        }
        try
        {
            Hidden = Allocate(config.HiddenSize);
            Normed = Allocate(config.HiddenSize);
            Projected = Allocate(config.HiddenSize);
            Queries = Allocate(config.QueryWidth);
            Keys = Allocate(config.KvWidth);
            Values = Allocate(config.KvWidth);
            Attended = Allocate(config.QueryWidth);
            Gate = Allocate(config.FeedForwardSize);
            Up = Allocate(config.FeedForwardSize);
            Angles = Allocate(config.Rotary.Dimensions);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The residual stream, x.</summary>
    public DeviceMatrix Hidden { get; }

    public DeviceMatrix Normed { get; }

    /// <summary>What attention or the feed-forward layer adds to the residual stream.</summary>
    public DeviceMatrix Projected { get; }

    public DeviceMatrix Queries { get; }

    public DeviceMatrix Keys { get; }

    public DeviceMatrix Values { get; }

    public DeviceMatrix Attended { get; }

    public DeviceMatrix Gate { get; }

    public DeviceMatrix Up { get; }

    /// <summary>Cosines and sines of each row's position.</summary>
    public DeviceMatrix Angles { get; }

    public void SetRows(int rows) => _all.ForEach(matrix => matrix.SetRows(rows));

    public void Dispose() => _all.ForEach(matrix => matrix.Dispose());
}
