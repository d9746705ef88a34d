using System.Runtime.Intrinsics;

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
            (start, count) =>
            {
                float* g = gate.Pointer + start, u = up.Pointer + start, o = output.Pointer + start;
                var i = 0;
                for (; i + 16 <= count; i += 16)
                {
                    var value = Vector512.Load(g + i);
                    (value * Sigmoid(value) * Vector512.Load(u + i)).Store(o + i);
                }
                for (; i < count; i++)
                    o[i] = g[i] * Sigmoid(g[i]) * u[i];
            });

    /// <summary>The gated activation's gradients; <paramref name="dgate"/> and <paramref name="dup"/> are overwritten.</summary>
    public static void GatedSiluBackward(
        WorkerTeam team, DenseMatrix gate, DenseMatrix up, DenseMatrix doutput, DenseMatrix dgate, DenseMatrix dup, int rows) =>
        Split(
            team, rows * gate.Columns,
            (start, count) =>
            {
                float* g = gate.Pointer + start, u = up.Pointer + start, d = doutput.Pointer + start;
                float* dg = dgate.Pointer + start, du = dup.Pointer + start;
                var i = 0;
                for (; i + 16 <= count; i += 16)
                {
                    Vector512<float> value = Vector512.Load(g + i), grad = Vector512.Load(d + i), other = Vector512.Load(u + i);
                    var sigmoid = Sigmoid(value);
                    (grad * value * sigmoid).Store(du + i);
                    (grad * other * sigmoid * (Vector512<float>.One + value * (Vector512<float>.One - sigmoid))).Store(dg + i);
                }
                for (; i < count; i++)
                {
                    var sigmoid = Sigmoid(g[i]);
                    du[i] = d[i] * g[i] * sigmoid;
                    dg[i] = d[i] * u[i] * sigmoid * (1f + g[i] * (1f - sigmoid));
                }
            });

    private static Vector512<float> Sigmoid(Vector512<float> x) => Vector512<float>.One / (Vector512<float>.One + DenseMath.Exp(-x));

    private static float Sigmoid(float x) => 1f / (1f + DenseMath.Exp(-x));

    private static void Split(WorkerTeam team, int count, Action<int, int> part) =>
        team.Run((count + ItemValues - 1) / ItemValues, (item, _) => part(item * ItemValues, Math.Min(ItemValues, count - item * ItemValues)));
}
