using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels;
using Formation.Inference.Kernels.Layers;

namespace Formation.Inference.Engine.Devices;

/// <summary>
/// What computes: a CPU or an accelerator, at the level of a transformer's own operations, so that a model is written once for every
/// device.
/// The device decides how a weight, a KV cache and a matrix lie in its memory.
/// </summary>
/// <remarks>
/// <para>Memory that a device made (<see cref="DeviceMatrix"/> and so on) is used with that device only, and is disposed before it.</para>
/// <para>Every operation computes the rows in use of its matrices (<see cref="DeviceMatrix.Rows"/>), in the order of the calls, and is
/// finished at the latest when <see cref="Read"/> returns. A row's result does not depend on the other rows. Calls may come from several
/// threads; operations of different stages may then wait for one another.</para>
/// </remarks>
public interface IComputeDevice : IDisposable
{
    /// <summary>What this is, for people: instruction set or model, threads.</summary>
    string Description { get; }

    /// <summary>Brings the weight of linear layers into the device's memory and layout.</summary>
    /// <param name="weight">The weight in a file's layout; stays valid as long as the result is in use.</param>
    /// <param name="cancellationToken">Ends a long load.</param>
    /// <exception cref="OutOfMemoryException">It does not fit.</exception>
    DeviceWeight LoadWeight(in WeightMatrix weight, CancellationToken cancellationToken);

    /// <summary>Brings in a table of which only rows are read (an embedding that is not the output head too).</summary>
    /// <param name="table">As for <see cref="LoadWeight"/>.</param>
    DeviceWeight LoadTable(in WeightMatrix table, CancellationToken cancellationToken);

    /// <summary>Copies a vector of float32 parameters (a norm's gain, a bias).</summary>
    DeviceVector LoadVector(ReadOnlySpan<float> values);

    /// <summary>Memory for (maxRows, columns) float32 values; their content is undefined.</summary>
    DeviceMatrix AllocateMatrix(int maxRows, int columns);

    /// <summary>Memory for the keys and values of a stage's layers.</summary>
    /// <exception cref="OutOfMemoryException">It does not fit.</exception>
    DeviceKvCache AllocateKvCache(KvCacheShape shape);

    /// <summary>Memory for what the device needs to know of a batch.</summary>
    /// <param name="cache">The cache that the batches' block tables speak of.</param>
    /// <param name="queryHeads">Query heads of each row, a multiple of the cache's heads.</param>
    DeviceBatch AllocateBatch(DeviceKvCache cache, int queryHeads);

    /// <summary>Copies values to the rows in use of a matrix.</summary>
    /// <param name="source">Shape: (destination.Rows, destination.Columns).</param>
    void Write(ReadOnlySpan<float> source, DeviceMatrix destination);

    /// <summary>Copies the rows in use of a matrix to the host.</summary>
    /// <param name="destination">Shape: (source.Rows, source.Columns).</param>
    void Read(DeviceMatrix source, Span<float> destination);

    /// <summary>y[i] = table[tokenIds[i]].</summary>
    /// <param name="table">Shape: (vocabulary, y.Columns).</param>
    void Embed(DeviceWeight table, ReadOnlySpan<int> tokenIds, DeviceMatrix y);

    /// <summary>y = x / sqrt(mean(x²) + epsilon) · gain over each run of gain.Length values: a whole row, or one head.</summary>
    /// <param name="y">May be <paramref name="x"/>.</param>
    void RmsNorm(DeviceMatrix x, DeviceVector gain, float epsilon, DeviceMatrix y);

    /// <summary>y = x Wᵀ + bias for layers of one input.</summary>
    /// <param name="layers">Each with a result of its own.</param>
    /// <param name="batch">Says which rows go through the prefill kernels; null where all go through the decode kernels (the output
    /// head).</param>
    void Linear(ReadOnlySpan<LinearOperation> layers, DeviceMatrix x, DeviceBatch? batch);

    /// <summary>y += x Wᵀ + bias: a layer that ends in the residual stream.</summary>
    void AddLinear(in LinearOperation layer, DeviceMatrix x, DeviceBatch? batch);

    /// <summary>y += x.</summary>
    /// <param name="x">Of the shape of <paramref name="y"/>.</param>
    void Add(DeviceMatrix x, DeviceMatrix y);

    /// <summary>y = silu(x Wgᵀ + bias) · (x Wuᵀ + bias): the first half of SwiGLU.</summary>
    /// <param name="gate">Wg; the result goes to its y.</param>
    /// <param name="up">Wu; its y is not used.</param>
    void GatedLinear(in LinearOperation gate, in LinearOperation up, DeviceMatrix x, DeviceBatch? batch);

    /// <summary>Computes the angles of a rotary embedding for the position of every row.</summary>
    /// <param name="rope">Frequencies and magnitude.</param>
    /// <param name="angles">Shape: (rows, 2 · rope.Pairs).</param>
    void RotaryAngles(RotaryFrequencies rope, DeviceBatch batch, DeviceMatrix angles);

    /// <summary>Turns the heads of every row by the row's angles, in place.</summary>
    /// <param name="x">Shape: (rows, heads · headSize).</param>
    void Rotate(DeviceMatrix x, int headSize, DeviceMatrix angles, RotaryPairing pairing);

    /// <summary>Stores keys and values of every row at its position's place in the cache.</summary>
    /// <param name="layer">Layer of the cache, from 0.</param>
    void StoreKv(DeviceKvCache cache, int layer, DeviceMatrix keys, DeviceMatrix values, DeviceBatch batch);

    /// <summary>y = softmax(scale · Q Kᵀ) V over the positions of each row's sequence up to its own.</summary>
    /// <param name="layer">Layer of the cache, from 0; it holds this batch's keys and values already.</param>
    /// <param name="window">Positions that a row sees, its own included; 0 for all.</param>
    void Attention(DeviceKvCache cache, int layer, DeviceMatrix queries, float scale, int window, DeviceBatch batch, DeviceMatrix y);
}
