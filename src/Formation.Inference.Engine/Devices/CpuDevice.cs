using Formation.Inference.Kernels;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Layers;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Engine.Devices;

/// <summary>The processor of this machine. Weights stay in the mapped file; activations and KV caches lie in native memory.</summary>
/// <remarks>
/// The vector kernels give a row the same bits whatever stands beside it, so prompt and generated rows go through one call; the kind of a
/// row matters once a matrix unit computes prompts.
/// </remarks>
public sealed class CpuDevice : IComputeDevice
{
    // Fewer values of an element-wise operation are done sooner than they are handed to another thread.
    private const int ValuesPerTask = 16 * 1024;

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
        PageIn(weight, cancellationToken);
        return new CpuWeight(weight);
    }

    public DeviceVector LoadVector(ReadOnlySpan<float> values) => new CpuVector(values.ToArray());

    public DeviceMatrix AllocateMatrix(int maxRows, int columns) => new CpuMatrix(maxRows, columns);

    public DeviceKvCache AllocateKvCache(KvCacheShape shape) => new CpuKvCache(shape);

    public DeviceBatch AllocateBatch(DeviceKvCache cache, int queryHeads) => new CpuBatch((CpuKvCache)cache, queryHeads);

    public void Write(ReadOnlySpan<float> source, DeviceMatrix destination) => source.CopyTo(Values(destination));

    public void Read(DeviceMatrix source, Span<float> destination) => Values(source).CopyTo(destination);

    public void Embed(DeviceWeight table, ReadOnlySpan<int> tokenIds, DeviceMatrix y) =>
        Embedding.Lookup(((CpuWeight)table).Matrix, tokenIds, Values(y));

    public void RmsNorm(DeviceMatrix x, DeviceVector gain, float epsilon, DeviceMatrix y) =>
        ForRows(new RmsNormJob((CpuMatrix)x, (CpuVector)gain, epsilon, (CpuMatrix)y, RowsPerTask(x)), x);

    public void Linear(DeviceWeight weight, DeviceVector? bias, DeviceMatrix x, DeviceBatch? batch, DeviceMatrix y)
    {
        Kernels.Linear.Multiply(((CpuWeight)weight).Matrix, Values(x), Values(y), x.Rows, _team);
        if (bias is CpuVector vector)
            Addition.Accumulate(vector.Values, Values(y));
    }

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

    public void SwiGlu(DeviceMatrix gate, DeviceMatrix up, DeviceMatrix y) =>
        ForRows(new SwiGluJob((CpuMatrix)gate, (CpuMatrix)up, (CpuMatrix)y, RowsPerTask(y)), y);

    public void Add(DeviceMatrix x, DeviceMatrix y) => ForRows(new AddJob((CpuMatrix)x, (CpuMatrix)y, RowsPerTask(y)), y);

    public void Dispose() => _team.Dispose();

    private static int RowsPerTask(DeviceMatrix matrix) => Math.Max(1, ValuesPerTask / matrix.Columns);

    private void ForRows<TJob>(in TJob job, DeviceMatrix matrix) where TJob : struct, IJob =>
        _team.Run(job, (matrix.Rows + RowsPerTask(matrix) - 1) / RowsPerTask(matrix));

    private static Span<float> Values(DeviceMatrix matrix) => ((CpuMatrix)matrix).Values;

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
