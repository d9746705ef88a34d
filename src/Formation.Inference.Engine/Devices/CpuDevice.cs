using System.Runtime.CompilerServices;
using Formation.Inference.Kernels;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Layers;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Engine.Devices;

/// <summary>
/// The processor of this machine. Weights are laid out anew for the kernels (see <see cref="PackedMatrix"/>), a table that is only looked up
/// stays in the mapped file; activations and KV caches lie in native memory.
/// </summary>
/// <remarks>
/// The vector kernels give a row the same bits whatever stands beside it, so prompt and generated rows go through one call.
/// </remarks>
public sealed class CpuDevice : IComputeDevice
{
    // Fewer values of an element-wise operation are done sooner than they are handed to another thread.
    private const int ValuesPerTask = 16 * 1024;

    private readonly HugePageArena _weights = new();
    private readonly WorkerTeam _team;

    /// <param name="threads">Threads that compute, at least 1.</param>
    public CpuDevice(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        _team = new WorkerTeam(threads);
    }

    public string Description => $"CPU, {KernelPaths.Name(KernelPaths.Current)} kernels, {_team.Threads} threads";

    public DeviceWeight LoadWeight(in WeightMatrix weight, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new CpuWeight(PackedMatrix.Pack(weight, _team, _weights));
    }

    public DeviceWeight LoadTable(in WeightMatrix table, CancellationToken cancellationToken)
    {
        PageIn(table, cancellationToken);
        return new CpuTable(table);
    }

    public DeviceVector LoadVector(ReadOnlySpan<float> values) => new CpuVector(values);

    public DeviceMatrix AllocateMatrix(int maxRows, int columns) => new CpuMatrix(maxRows, columns);

    public DeviceKvCache AllocateKvCache(KvCacheShape shape) => new CpuKvCache(shape);

    public DeviceBatch AllocateBatch(DeviceKvCache cache, int queryHeads) => new CpuBatch((CpuKvCache)cache, queryHeads);

    public void Write(ReadOnlySpan<float> source, DeviceMatrix destination) => source.CopyTo(Values(destination));

    public void Read(DeviceMatrix source, Span<float> destination) => Values(source).CopyTo(destination);

    public void Embed(DeviceWeight table, ReadOnlySpan<int> tokenIds, DeviceMatrix y) =>
        ((ICpuTable)table).Lookup(tokenIds, Values(y));

    public void RmsNorm(DeviceMatrix x, DeviceVector gain, float epsilon, DeviceMatrix y) =>
        ForRows(new RmsNormJob((CpuMatrix)x, (CpuVector)gain, epsilon, (CpuMatrix)y, RowsPerTask(x)), x);

    public void Linear(ReadOnlySpan<LinearOperation> layers, DeviceMatrix x, DeviceBatch? batch)
    {
        var targets = default(LinearTargets);
        var count = 0;
        foreach (var layer in layers)
            targets[count++] = Target(layer);
        Kernels.Linear.Multiply(((ReadOnlySpan<LinearTarget>)targets)[..count], ((CpuMatrix)x).AsInput(), _team);
    }

    public void AddLinear(in LinearOperation layer, DeviceMatrix x, DeviceBatch? batch) =>
        Kernels.Linear.Accumulate(Target(layer), ((CpuMatrix)x).AsInput(), _team);

    public void Add(DeviceMatrix x, DeviceMatrix y) => ForRows(new AddJob((CpuMatrix)x, (CpuMatrix)y, RowsPerTask(x)), x);

    public void GatedLinear(in LinearOperation gate, in LinearOperation up, DeviceMatrix x, DeviceBatch? batch) =>
        Kernels.Linear.Gate(Target(gate), Target(up), ((CpuMatrix)x).AsInput(), _team);

    public void RotaryAngles(RotaryFrequencies rope, DeviceBatch batch, DeviceMatrix angles) =>
        ForRows(new RotaryAnglesJob(rope, ((CpuBatch)batch).Plan, (CpuMatrix)angles, RowsPerTask(angles)), angles);

    public void Rotate(DeviceMatrix x, int headSize, DeviceMatrix angles, RotaryPairing pairing) =>
        ForRows(new RotateJob((CpuMatrix)x, headSize, (CpuMatrix)angles, pairing, RowsPerTask(x)), x);

    public void StoreKv(DeviceKvCache cache, int layer, DeviceMatrix keys, DeviceMatrix values, DeviceBatch batch) =>
        ForRows(
            new StoreKvJob(
                ((CpuKvCache)cache).Memory, layer, (CpuMatrix)keys, (CpuMatrix)values, ((CpuBatch)batch).Plan, RowsPerTask(keys)),
            keys);

    public void Attention(
        DeviceKvCache cache, int layer, DeviceMatrix queries, float scale, int window, DeviceBatch batch, DeviceMatrix y) =>
        PagedAttention.Run(((CpuKvCache)cache).Memory, layer, ((CpuBatch)batch).Plan, scale, window, Values(queries), Values(y), _team);

    public void Dispose() => _team.Dispose();

    private static int RowsPerTask(DeviceMatrix matrix) => Math.Max(1, ValuesPerTask / matrix.Columns);

    private void ForRows<TJob>(in TJob job, DeviceMatrix matrix) where TJob : struct, IJob =>
        _team.Run(job, (matrix.Rows + RowsPerTask(matrix) - 1) / RowsPerTask(matrix));

    private static LinearTarget Target(in LinearOperation layer) => new(
        ((CpuWeight)layer.Weight).Matrix, (layer.Bias as CpuVector)?.Region ?? default, ((CpuMatrix)layer.Y).Region);

    private static Span<float> Values(DeviceMatrix matrix) => ((CpuMatrix)matrix).Values;

    /// <summary>The layers of one call, without an allocation.</summary>
    [InlineArray(4)]
    private struct LinearTargets
    {
        private LinearTarget _first;
    }

    /// <summary>Reads a byte of every page, so that the first request does not wait for the disk.</summary>
    private static void PageIn(in WeightMatrix weight, CancellationToken cancellationToken)
    {
        const int PageBytes = 4096;
        const int StepBytes = 16 << 20;
        for (long offset = 0; offset < weight.Data.Length; offset += StepBytes)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var part = weight.Data.Span(offset, (int)Math.Min(StepBytes, weight.Data.Length - offset));
            for (var i = 0; i < part.Length; i += PageBytes)
                Volatile.Read(in part[i]);
        }
    }
}
