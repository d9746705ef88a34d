using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Layers;

/// <summary>Sums of rows: the residual connection and the bias of a linear layer.</summary>
public static unsafe class Addition
{
    /// <summary>y += x, where <paramref name="x"/> is repeated for each row of y.</summary>
    /// <param name="x">One row (a bias), or as many values as <paramref name="y"/> (a residual).</param>
    /// <param name="y">Shape: (rows, x.Length).</param>
    /// <exception cref="ArgumentException">The lengths do not fit together.</exception>
    public static void Accumulate(ReadOnlySpan<float> x, Span<float> y) => Accumulate(x, y, KernelPaths.Current);

    internal static void Accumulate(ReadOnlySpan<float> x, Span<float> y, KernelPath path)
    {
        if (x.IsEmpty ? !y.IsEmpty : y.Length % x.Length != 0)
            throw new ArgumentException($"y has {y.Length} values, no multiple of the {x.Length} of x");
        if (y.IsEmpty)
            return;
        fixed (float* px = x, py = y)
            VectorKernel.Run(new Kernel(px, py, y.Length / x.Length, x.Length), path);
    }

    private readonly struct Kernel(float* x, float* y, int rows, int columns) : IVectorKernel
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<TFloats>() where TFloats : struct, IFloats<TFloats>
        {
            for (var row = 0; row < rows; row++)
            {
                var sum = y + (long)row * columns;
                var i = 0;
                for (; i <= columns - TFloats.Count; i += TFloats.Count)
                    (TFloats.Load(sum + i) + TFloats.Load(x + i)).Store(sum + i);
                for (; i < columns; i++)
                    sum[i] += x[i];
            }
        }

        public void RunScalar()
        {
            for (var row = 0; row < rows; row++)
            {
                for (var i = 0; i < columns; i++)
                    y[(long)row * columns + i] += x[i];
            }
        }
    }
}
