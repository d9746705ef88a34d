using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Dense;

/// <summary>Elementwise steps of a transformer block and their gradients.</summary>
public static unsafe class DenseElementwise
{
    private const int ItemValues = 16 * 1024;

    /// <summary>y += x over the first <paramref name="rows"/> rows.</summary>
    public static void Add(WorkerTeam team, DenseMatrix x, DenseMatrix y, int rows) =>
        Split(team, rows * x.Columns, (start, count) => DenseMath.AddScaled(y.Pointer + start, x.Pointer + start, 1f, count));

    /// <summary>The gated activation: output = silu(gate) * up, with silu(g) = g / (1 + e^-g).</summary>
    public static void GatedSilu(WorkerTeam team, DenseMatrix gate, DenseMatrix up, DenseMatrix output, int rows) =>
        Split(
            team, rows * gate.Columns,
            (start, count) => GatedSilu(gate.Pointer + start, up.Pointer + start, output.Pointer + start, count));

    /// <summary>The gated activation's gradients; <paramref name="dgate"/> and <paramref name="dup"/> are overwritten.</summary>
    public static void GatedSiluBackward(
        WorkerTeam team, DenseMatrix gate, DenseMatrix up, DenseMatrix doutput, DenseMatrix dgate, DenseMatrix dup, int rows) =>
        Split(
            team, rows * gate.Columns,
            (start, count) => GatedSiluBackward(
                gate.Pointer + start, up.Pointer + start, doutput.Pointer + start, dgate.Pointer + start, dup.Pointer + start, count));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GatedSilu(float* gate, float* up, float* output, int count)
    {
        var i = 0;
        for (; i + 16 <= count; i += 16)
        {
            var value = Vector512.Load(gate + i);
            (value * Sigmoid(value) * Vector512.Load(up + i)).Store(output + i);
        }
        for (; i < count; i++)
            output[i] = gate[i] * Sigmoid(gate[i]) * up[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GatedSiluBackward(float* gate, float* up, float* doutput, float* dgate, float* dup, int count)
    {
        var i = 0;
        for (; i + 16 <= count; i += 16)
        {
            Vector512<float> value = Vector512.Load(gate + i), gradient = Vector512.Load(doutput + i), other = Vector512.Load(up + i);
            var sigmoid = Sigmoid(value);
            (gradient * value * sigmoid).Store(dup + i);
            (gradient * other * sigmoid * (Vector512<float>.One + value * (Vector512<float>.One - sigmoid))).Store(dgate + i);
        }
        for (; i < count; i++)
        {
            var sigmoid = Sigmoid(gate[i]);
            dup[i] = doutput[i] * gate[i] * sigmoid;
            dgate[i] = doutput[i] * up[i] * sigmoid * (1f + gate[i] * (1f - sigmoid));
        }
    }

    private static Vector512<float> Sigmoid(Vector512<float> x) => Vector512<float>.One / (Vector512<float>.One + DenseMath.Exp(-x));

    private static float Sigmoid(float x) => 1f / (1f + DenseMath.Exp(-x));

    private static void Split(WorkerTeam team, int count, Action<int, int> part) =>
        DenseJob.Run(
            team, (count + ItemValues - 1) / ItemValues,
            (item, _) => part(item * ItemValues, Math.Min(ItemValues, count - item * ItemValues)));
}
