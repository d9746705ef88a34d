using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Layers;

/// <summary>Which two values of a head rotate together.</summary>
public enum RotaryPairing
{
    /// <summary>Neighbours: values 2i and 2i + 1 (the layout of Meta's own Llama weights, and of GGUF's <c>llama</c>).</summary>
    Neighbours,

    /// <summary>Halves: values i and i + n/2 (GPT-NeoX, and GGUF's <c>qwen2</c> and <c>qwen3</c>).</summary>
    Halves,
}

/// <summary>Rotary position embedding (Su et al. 2021): pair i of a head at position p turns by the angle p · frequency[i].</summary>
public static unsafe class RotaryEmbedding
{
    /// <summary>Computes cosine and sine of every angle of one position, in double precision until the end.</summary>
    /// <param name="position">The position in the sequence.</param>
    /// <param name="frequencies">Radians a position for each pair.</param>
    /// <param name="magnitude">Multiplies both; 1 except with YaRN.</param>
    /// <param name="angles">Shape: (2, frequencies.Length): all cosines, then all sines.</param>
    /// <exception cref="ArgumentException">The lengths do not fit together.</exception>
    public static void Angles(int position, ReadOnlySpan<double> frequencies, double magnitude, Span<float> angles)
    {
        if (angles.Length != 2 * frequencies.Length)
            throw new ArgumentException($"{frequencies.Length} frequencies need {2 * frequencies.Length} angles, not {angles.Length}");
        for (var i = 0; i < frequencies.Length; i++)
        {
            var (sin, cos) = Math.SinCos(position * frequencies[i]);
            angles[i] = (float)(cos * magnitude);
            angles[frequencies.Length + i] = (float)(sin * magnitude);
        }
    }

    /// <summary>Turns the first values of each head of each row, in place; the rest of a head stays as it is.</summary>
    /// <param name="x">Shape: (rows, heads, headSize).</param>
    /// <param name="headSize">Values of a head.</param>
    /// <param name="angles">Shape: (rows, 2, pairs): what <see cref="Angles"/> made for each row's position; 2 · pairs is at most
    /// headSize.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="pairing">Which values form a pair.</param>
    /// <exception cref="ArgumentException">The lengths do not fit together.</exception>
    public static void Rotate(Span<float> x, int headSize, ReadOnlySpan<float> angles, int rows, RotaryPairing pairing) =>
        Rotate(x, headSize, angles, rows, pairing, KernelPaths.Current);

    internal static void Rotate(
        Span<float> x, int headSize, ReadOnlySpan<float> angles, int rows, RotaryPairing pairing, KernelPath path)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(headSize);
        var pairs = angles.Length / (2 * rows);
        if (angles.Length != 2 * rows * pairs || 2 * pairs > headSize || x.Length % ((long)rows * headSize) != 0)
            throw new ArgumentException($"{x.Length} values and {angles.Length} angles do not fit {rows} rows with heads of {headSize}");
        fixed (float* px = x, pa = angles)
        {
            var kernel = new Kernel(px, pa, rows, x.Length / rows / headSize, headSize, pairs);
            if (pairing == RotaryPairing.Neighbours)
                kernel.RotateNeighbours();
            else
                VectorKernel.Run(kernel, path);
        }
    }

    private readonly struct Kernel(float* x, float* angles, int rows, int heads, int headSize, int pairs) : IVectorKernel
    {
        // A head has few pairs and the work is a thousandth of a layer's, so neighbours are not worth a shuffle for each vector width.
        public void RotateNeighbours()
        {
            for (var row = 0; row < rows; row++)
            {
                var cosines = angles + (long)row * 2 * pairs;
                for (var head = 0; head < heads; head++)
                {
                    var values = x + ((long)row * heads + head) * headSize;
                    for (var i = 0; i < pairs; i++)
                        Turn(ref values[2 * i], ref values[2 * i + 1], cosines[i], cosines[pairs + i]);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<TFloats>() where TFloats : struct, IFloats<TFloats>
        {
            var whole = pairs - pairs % TFloats.Count;
            for (var row = 0; row < rows; row++)
            {
                var cosines = angles + (long)row * 2 * pairs;
                for (var head = 0; head < heads; head++)
                {
                    var first = x + ((long)row * heads + head) * headSize;
                    var second = first + pairs;
                    for (var i = 0; i < whole; i += TFloats.Count)
                    {
                        var (a, b) = (TFloats.Load(first + i), TFloats.Load(second + i));
                        var (cos, sin) = (TFloats.Load(cosines + i), TFloats.Load(cosines + pairs + i));
                        TFloats.MultiplyAdd(a, cos, b * sin * TFloats.Broadcast(-1)).Store(first + i);
                        TFloats.MultiplyAdd(a, sin, b * cos).Store(second + i);
                    }
                    for (var i = whole; i < pairs; i++)
                        Turn(ref first[i], ref second[i], cosines[i], cosines[pairs + i]);
                }
            }
        }

        public void RunScalar()
        {
            for (var row = 0; row < rows; row++)
            {
                var cosines = angles + (long)row * 2 * pairs;
                for (var head = 0; head < heads; head++)
                {
                    var first = x + ((long)row * heads + head) * headSize;
                    for (var i = 0; i < pairs; i++)
                        Turn(ref first[i], ref first[pairs + i], cosines[i], cosines[pairs + i]);
                }
            }
        }

        private static void Turn(ref float a, ref float b, float cos, float sin) =>
            (a, b) = (float.MultiplyAddEstimate(a, cos, -(b * sin)), float.MultiplyAddEstimate(a, sin, b * cos));
    }
}
