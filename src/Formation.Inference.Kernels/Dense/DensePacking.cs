using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Formation.Inference.Kernels.Dense;

/// <summary>
/// Copies a part of an operand into the order in which <see cref="DenseTile"/> reads it: for each inner index the values of one strip
/// (12 rows of the left operand, 32 columns of the right one), zeros where the strip reaches past the edge.
/// </summary>
internal static unsafe class DensePacking
{
    /// <param name="source">The strip's first value at the first inner index.</param>
    /// <param name="acrossStride">Distance between neighbours across the strip.</param>
    /// <param name="innerStride">Distance between neighbours along the inner dimension; one of the two strides is 1.</param>
    /// <param name="count">Valid values across the strip, at most <paramref name="width"/>.</param>
    /// <param name="width">Values across the packed strip, a multiple of 4.</param>
    /// <param name="depth">Inner indices to copy.</param>
    /// <param name="target">depth * width values.</param>
    public static void PackStrip(float* source, nint acrossStride, nint innerStride, int count, int width, int depth, float* target)
    {
        if (count < width)
            PackPart(source, acrossStride, innerStride, count, width, depth, target);
        else if (acrossStride == 1)
            CopyRows(source, innerStride, width, depth, target);
        else
            Transpose(source, acrossStride, width, depth, target);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyRows(float* source, nint innerStride, int width, int depth, float* target)
    {
        for (var k = 0; k < depth; k++)
        {
            for (var i = 0; i < width; i += 4)
                Vector128.Load(source + i).Store(target + i);
            source += innerStride;
            target += width;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transpose(float* source, nint acrossStride, int width, int depth, float* target)
    {
        for (var i = 0; i < width; i += 4)
        {
            var row0 = source + i * acrossStride;
            var row1 = row0 + acrossStride;
            var row2 = row1 + acrossStride;
            var row3 = row2 + acrossStride;
            var output = target + i;
            var k = 0;
            for (; k + 4 <= depth; k += 4, output += 4 * width)
            {
                var (low01, high01) = Interleave(Vector128.Load(row0 + k), Vector128.Load(row1 + k));
                var (low23, high23) = Interleave(Vector128.Load(row2 + k), Vector128.Load(row3 + k));
                Combine(low01, low23, output, width);
                Combine(high01, high23, output + 2 * width, width);
            }
            for (; k < depth; k++, output += width)
            {
                output[0] = row0[k];
                output[1] = row1[k];
                output[2] = row2[k];
                output[3] = row3[k];
            }
        }
    }

    private static (Vector128<float> Low, Vector128<float> High) Interleave(Vector128<float> x, Vector128<float> y)
    {
        if (System.Runtime.Intrinsics.X86.Sse.IsSupported)
            return (System.Runtime.Intrinsics.X86.Sse.UnpackLow(x, y), System.Runtime.Intrinsics.X86.Sse.UnpackHigh(x, y));
        return (Vector128.Create(x[0], y[0], x[1], y[1]), Vector128.Create(x[2], y[2], x[3], y[3]));
    }

    // Two columns of four: the lower halves make the first, the upper halves the second.
    private static void Combine(Vector128<float> upper, Vector128<float> lower, float* output, int width)
    {
        Vector128.Create(upper.GetLower(), lower.GetLower()).Store(output);
        Vector128.Create(upper.GetUpper(), lower.GetUpper()).Store(output + width);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackPart(float* source, nint acrossStride, nint innerStride, int count, int width, int depth, float* target)
    {
        for (var k = 0; k < depth; k++)
        {
            for (var i = 0; i < width; i++)
                target[i] = i < count ? source[i * acrossStride + k * innerStride] : 0f;
            target += width;
        }
    }
}
