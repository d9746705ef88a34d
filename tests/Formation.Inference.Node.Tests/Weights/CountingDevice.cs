using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels;
using Formation.Inference.Kernels.Layers;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Node.Tests.Weights;

/// <summary>The processor, counting the bytes that a model really takes of it: weights as the kernels lay them out, vectors and matrices.</summary>
sealed class CountingDevice : IComputeDevice, IDisposable
{
    private readonly CpuDevice _device = new(1);
    private readonly WorkerTeam _team = new(1);

    /// <summary>Bytes in the order of loading: embedding, final norm, output head, then layer by layer.</summary>
    public List<long> Loads { get; } = [];

    /// <summary>Floats of all matrices.</summary>
    public long MatrixFloats { get; private set; }

    public string Description => _device.Description;

    public DeviceWeight LoadWeight(in WeightMatrix weight, CancellationToken cancellationToken)
    {
        using var packed = PackedMatrix.Pack(weight, _team, new HugePageArena());
        Loads.Add(packed.Bytes);
        return _device.LoadWeight(weight, cancellationToken);
    }

    public DeviceWeight LoadTable(in WeightMatrix table, CancellationToken cancellationToken)
    {
        Loads.Add(table.Data.Length);
        return _device.LoadTable(table, cancellationToken);
    }

    public DeviceVector LoadVector(ReadOnlySpan<float> values)
    {
        Loads.Add(sizeof(float) * (long)values.Length);
        return _device.LoadVector(values);
    }

    public DeviceMatrix AllocateMatrix(int maxRows, int columns)
    {
        MatrixFloats += (long)maxRows * columns;
        return _device.AllocateMatrix(maxRows, columns);
    }

    public DeviceKvCache AllocateKvCache(KvCacheShape shape) => _device.AllocateKvCache(shape);

    public DeviceBatch AllocateBatch(DeviceKvCache cache, int queryHeads) => _device.AllocateBatch(cache, queryHeads);

    public void Write(ReadOnlySpan<float> source, DeviceMatrix destination) => _device.Write(source, destination);

    public void Read(DeviceMatrix source, Span<float> destination) => _device.Read(source, destination);

    public void Embed(DeviceWeight table, ReadOnlySpan<int> tokenIds, DeviceMatrix y) => _device.Embed(table, tokenIds, y);

    public void RmsNorm(DeviceMatrix x, DeviceVector gain, float epsilon, DeviceMatrix y) => _device.RmsNorm(x, gain, epsilon, y);

    public void Linear(ReadOnlySpan<LinearOperation> layers, DeviceMatrix x, DeviceBatch? batch) => _device.Linear(layers, x, batch);

    public void AddLinear(in LinearOperation layer, DeviceMatrix x, DeviceBatch? batch) => _device.AddLinear(layer, x, batch);

    public void Add(DeviceMatrix x, DeviceMatrix y) => _device.Add(x, y);

    public void GatedLinear(in LinearOperation gate, in LinearOperation up, DeviceMatrix x, DeviceBatch? batch) =>
        _device.GatedLinear(gate, up, x, batch);

    public void RotaryAngles(RotaryFrequencies rope, DeviceBatch batch, DeviceMatrix angles) => _device.RotaryAngles(rope, batch, angles);

    public void Rotate(DeviceMatrix x, int headSize, DeviceMatrix angles, RotaryPairing pairing) => _device.Rotate(x, headSize, angles, pairing);

    public void StoreKv(DeviceKvCache cache, int layer, DeviceMatrix keys, DeviceMatrix values, DeviceBatch batch) =>
        _device.StoreKv(cache, layer, keys, values, batch);

    public void Attention(
        DeviceKvCache cache, int layer, DeviceMatrix queries, float scale, int window, DeviceBatch batch, DeviceMatrix y) =>
        _device.Attention(cache, layer, queries, scale, window, batch, y);

    public void Dispose()
    {
        _team.Dispose();
        _device.Dispose();
    }
}
