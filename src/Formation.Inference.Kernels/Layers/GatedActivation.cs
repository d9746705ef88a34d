using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Layers;

/// <summary>The gate of SwiGLU (Shazeer 2020): y = silu(gate) · up, with silu(g) = g / (1 + e^-g).</summary>
public static unsafe class GatedActivation
{
    /// <summary>Computes the gate for every value. The destination may be one of the sources.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void SwiGlu(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> y) => SwiGlu(gate, up, y, KernelPaths.Current);

    internal static void SwiGlu(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> y, KernelPath path)
    {
        if (gate.Length != up.Length || gate.Length != y.Length)
            throw new ArgumentException($"gate has {gate.Length} values, up {up.Length}, y {y.Length}; they must be as many");
        fixed (float* pg = gate, pu = up, py = y)
            VectorKernel.Run(new Kernel(pg, pu, py, gate.Length), path);
    }

    private readonly struct Kernel(float* gate, float* up, float* y, int count) : IVectorKernel
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<TFloats>() where TFloats : struct, IFloats<TFloats>
        {
            var i = 0;
            for (; i <= count - TFloats.Count; i += TFloats.Count)
                Step<TFloats>(gate + i, up + i, y + i);

            // The rest goes through a whole vector too: the library's scalar exponential rounds otherwise, and a value's bits would depend
            // on
            // where in the batch it lies.
            var left = count - i;
            if (left == 0)
                return;
            var padded = stackalloc float[3 * Sixteen.Lanes];
            new Span<float>(padded, 3 * Sixteen.Lanes).Clear();
            for (var j = 0; j < left; j++)
                (padded[j], padded[Sixteen.Lanes + j]) = (gate[i + j], up[i + j]);
            Step<TFloats>(padded, padded + Sixteen.Lanes, padded + 2 * Sixteen.Lanes);
            for (var j = 0; j < left; j++)
                y[i + j] = padded[2 * Sixteen.Lanes + j];
        }

        private static void Step<TFloats>(float* gate, float* up, float* y) where TFloats : struct, IFloats<TFloats>
        {
            var g = TFloats.Load(gate);
            var silu = g / (TFloats.Broadcast(1) + TFloats.Exp(g * TFloats.Broadcast(-1)));
            (silu * TFloats.Load(up)).Store(y);
        }

        public void RunScalar()
        {
            for (var i = 0; i < count; i++)
                y[i] = gate[i] / (1 + MathF.Exp(-gate[i])) * up[i];
        }
    }
}
