using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Models;

namespace Formation.Inference.Engine.Layers;

/// <summary>The matrices that a stage's layers compute in, made once and used by every layer of every step.</summary>
internal sealed class DecoderWorkspace : IDisposable
{
    private readonly List<DeviceMatrix> _all = [];
    private readonly float[] _exchanged;

    /// <param name="config">The sizes.</param>
    /// <param name="device">Where the matrices lie.</param>
    /// <param name="maxRows">Rows of the largest batch.</param>
    /// <param name="isShared">Whether others compute the rest of each layer.</param>
    public DecoderWorkspace(ModelConfig config, IComputeDevice device, int maxRows, bool isShared)
    {
        _exchanged = isShared ? GC.AllocateUninitializedArray<float>(checked(maxRows * config.HiddenSize), pinned: true) : [];
        DeviceMatrix Allocate(int columns)
        {
            _all.Add(device.AllocateMatrix(maxRows, columns));
            return _all[^1];
        }
        try
        {
            Hidden = Allocate(config.HiddenSize);
            Normed = Allocate(config.HiddenSize);
            Queries = Allocate(config.QueryWidth);
            Keys = Allocate(config.KvWidth);
            Values = Allocate(config.KvWidth);
            Attended = Allocate(config.QueryWidth);
            Gated = Allocate(config.FeedForwardSize);
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

    public DeviceMatrix Queries { get; }

    public DeviceMatrix Keys { get; }

    public DeviceMatrix Values { get; }

    public DeviceMatrix Attended { get; }

    /// <summary>silu(gate) · up of the feed-forward layer.</summary>
    public DeviceMatrix Gated { get; }

    /// <summary>Cosines and sines of each row's position.</summary>
    public DeviceMatrix Angles { get; }

    /// <summary>Partial sums on their way to the other members and back. Shape: (rows in use, hidden size).</summary>
    public Span<float> Exchanged => _exchanged.AsSpan(0, Hidden.Rows * Hidden.Columns);

    public void SetRows(int rows) => _all.ForEach(matrix => matrix.SetRows(rows));

    public void Dispose() => _all.ForEach(matrix => matrix.Dispose());
}
