using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Layers;

/// <summary>Root-mean-square normalisation (Zhang and Sennrich 2019): y = x / sqrt(mean(x²) + epsilon) · gain, for each row.</summary>
public static unsafe class RmsNorm
{
    /// <summary>Normalises rows as long as <paramref name="gain"/>. Source and destination may be the same memory.</summary>
    /// <param name="x">Shape: (rows, gain.Length).</param>
    /// <param name="gain">The learned scale of each column.</param>
    /// <param name="epsilon">Keeps the root away from 0.</param>
    /// <param name="y">Shape of <paramref name="x"/>.</param>
    /// <exception cref="ArgumentException">The lengths do not fit together.</exception>
    public static void Apply(ReadOnlySpan<float> x, ReadOnlySpan<float> gain, float epsilon, Span<float> y) =>
        Apply(x, gain, epsilon, y, KernelPaths.Current);

    internal static void Apply(ReadOnlySpan<float> x, ReadOnlySpan<float> gain, float epsilon, Span<float> y, KernelPath path)
    {
        if (gain.IsEmpty || x.Length % gain.Length != 0 || y.Length != x.Length)
        {
            throw new ArgumentException(
                $"x has {x.Length} values, y {y.Length}; both must be the same multiple of the gain's {gain.Length}");
        }
        fixed (float* px = x, pg = gain, py = y)
            VectorKernel.Run(new Kernel(px, pg, epsilon, py, x.Length / gain.Length, gain.Length), path);
    }

    private readonly struct Kernel(float* x, float* gain, float epsilon, float* y, int rows, int columns) : IVectorKernel
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<TFloats>() where TFloats : struct, IFloats<TFloats>
        {
            var lanes = stackalloc float[Sixteen.Lanes];
            var whole = columns - columns % Sixteen.Lanes;
            for (var row = 0; row < rows; row++)
            {
                var source = x + (long)row * columns;
                var destination = y + (long)row * columns;
                for (var lane = 0; lane < Sixteen.Lanes; lane += TFloats.Count)
                {
                    var sums = TFloats.Broadcast(0);
                    for (var i = lane; i < whole; i += Sixteen.Lanes)
                        sums = TFloats.MultiplyAdd(TFloats.Load(source + i), TFloats.Load(source + i), sums);
                    sums.Store(lanes + lane);
                }
                AddSquares(source, whole, lanes);

                var scale = Scale(Sixteen.Sum<TFloats>(lanes));
                var scales = TFloats.Broadcast(scale);
                for (var i = 0; i < whole; i += TFloats.Count)
                    (TFloats.Load(source + i) * scales * TFloats.Load(gain + i)).Store(destination + i);
                for (var i = whole; i < columns; i++)
                    destination[i] = source[i] * scale * gain[i];
            }
        }

        public void RunScalar()
        {
            var lanes = stackalloc float[Sixteen.Lanes];
            for (var row = 0; row < rows; row++)
            {
                var source = x + (long)row * columns;
                var destination = y + (long)row * columns;
                new Span<float>(lanes, Sixteen.Lanes).Clear();
                AddSquares(source, 0, lanes);
                var scale = Scale(Sixteen.Sum(lanes));
                for (var i = 0; i < columns; i++)
                    destination[i] = source[i] * scale * gain[i];
            }
        }

        private void AddSquares(float* source, int first, float* lanes)
        {
            for (var i = first; i < columns; i++)
                lanes[i % Sixteen.Lanes] = float.MultiplyAddEstimate(source[i], source[i], lanes[i % Sixteen.Lanes]);
        }

        private float Scale(float sumOfSquares) => 1 / MathF.Sqrt(sumOfSquares / columns + epsilon);
    }
}
