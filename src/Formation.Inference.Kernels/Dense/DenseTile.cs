using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Formation.Inference.Kernels.Dense;

/// <summary>
/// The innermost loop of the float matrix product: one tile of 12 rows and 32 columns over one chunk of the inner dimension. Every path
/// adds the products of one value in the same order with fused multiply-adds, so all give the same bits.
/// </summary>
/// <remarks>Packed operands: <c>a</c> holds 12 values for each inner index, <c>b</c> 32 values, both without gaps.</remarks>
internal static unsafe class DenseTile
{
    public const int Rows = 12;
    public const int Columns = 32;

    /// <summary>Which path this machine takes.</summary>
    public static DenseTilePath Best { get; } =
        Avx512F.IsSupported ? DenseTilePath.Vector512
        : Fma.IsSupported || System.Runtime.Intrinsics.Arm.AdvSimd.Arm64.IsSupported ? DenseTilePath.Vector128
        : DenseTilePath.Scalar;

    /// <summary>
    /// c[12, 32] (rows <paramref name="stride"/> apart) = or += the tile's product over <paramref name="depth"/> inner indices.
    /// </summary>
    public static void Multiply(DenseTilePath path, float* a, float* b, int depth, float* c, nint stride, bool accumulate)
    {
        switch (path)
        {
            case DenseTilePath.Vector512:
                Multiply512(a, b, depth, c, stride, accumulate);
                break;
            case DenseTilePath.Vector128:
                for (var row = 0; row < Rows; row += 3)
                    for (var column = 0; column < Columns; column += 16)
                        Multiply128(a + row, b + column, depth, c + row * stride + column, stride, accumulate);
                break;
            default:
                MultiplyScalar(a, b, depth, c, stride, accumulate);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyScalar(float* a, float* b, int depth, float* c, nint stride, bool accumulate)
    {
        for (var row = 0; row < Rows; row++)
        {
            for (var column = 0; column < Columns; column++)
            {
                var sum = 0f;
                for (var k = 0; k < depth; k++)
                    sum = MathF.FusedMultiplyAdd(a[k * Rows + row], b[k * Columns + column], sum);
                var target = c + row * stride + column;
                *target = accumulate ? *target + sum : sum;
            }
        }
    }

    // Three rows by sixteen columns: twelve accumulators, which fit the sixteen registers of machines without AVX-512.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply128(float* a, float* b, int depth, float* c, nint stride, bool accumulate)
    {
        Vector128<float> c00 = default, c01 = default, c02 = default, c03 = default;
        Vector128<float> c10 = default, c11 = default, c12 = default, c13 = default;
        Vector128<float> c20 = default, c21 = default, c22 = default, c23 = default;
        for (var k = 0; k < depth; k++)
        {
            Vector128<float> b0 = Vector128.Load(b), b1 = Vector128.Load(b + 4), b2 = Vector128.Load(b + 8), b3 = Vector128.Load(b + 12);
            Vector128<float> x;
            x = Vector128.Create(a[0]);
            c00 = Vector128.FusedMultiplyAdd(x, b0, c00);
            c01 = Vector128.FusedMultiplyAdd(x, b1, c01);
            c02 = Vector128.FusedMultiplyAdd(x, b2, c02);
            c03 = Vector128.FusedMultiplyAdd(x, b3, c03);
            x = Vector128.Create(a[1]);
            c10 = Vector128.FusedMultiplyAdd(x, b0, c10);
            c11 = Vector128.FusedMultiplyAdd(x, b1, c11);
            c12 = Vector128.FusedMultiplyAdd(x, b2, c12);
            c13 = Vector128.FusedMultiplyAdd(x, b3, c13);
            x = Vector128.Create(a[2]);
            c20 = Vector128.FusedMultiplyAdd(x, b0, c20);
            c21 = Vector128.FusedMultiplyAdd(x, b1, c21);
            c22 = Vector128.FusedMultiplyAdd(x, b2, c22);
            c23 = Vector128.FusedMultiplyAdd(x, b3, c23);
            a += Rows;
            b += Columns;
        }
        Store128(c, accumulate, c00, c01, c02, c03);
        Store128(c + stride, accumulate, c10, c11, c12, c13);
        Store128(c + 2 * stride, accumulate, c20, c21, c22, c23);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store128(
        float* c, bool accumulate, Vector128<float> v0, Vector128<float> v1, Vector128<float> v2, Vector128<float> v3)
    {
        if (accumulate)
        {
            v0 += Vector128.Load(c);
            v1 += Vector128.Load(c + 4);
            v2 += Vector128.Load(c + 8);
            v3 += Vector128.Load(c + 12);
        }
        v0.Store(c);
        v1.Store(c + 4);
        v2.Store(c + 8);
        v3.Store(c + 12);
    }

    // 24 accumulators, two vectors of b and one broadcast value of a: 27 of the 32 registers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply512(float* a, float* b, int depth, float* c, nint stride, bool accumulate)
    {
        Vector512<float> c00 = default, c01 = default;
        Vector512<float> c10 = default, c11 = default;
        Vector512<float> c20 = default, c21 = default;
        Vector512<float> c30 = default, c31 = default;
        Vector512<float> c40 = default, c41 = default;
        Vector512<float> c50 = default, c51 = default;
        Vector512<float> c60 = default, c61 = default;
        Vector512<float> c70 = default, c71 = default;
        Vector512<float> c80 = default, c81 = default;
        Vector512<float> c90 = default, c91 = default;
        Vector512<float> c100 = default, c101 = default;
        Vector512<float> c110 = default, c111 = default;
        for (var k = 0; k < depth; k++)
        {
            Vector512<float> b0 = Vector512.Load(b), b1 = Vector512.Load(b + 16), x;
            x = Vector512.Create(a[0]);
            c00 = Avx512F.FusedMultiplyAdd(x, b0, c00);
            c01 = Avx512F.FusedMultiplyAdd(x, b1, c01);
            x = Vector512.Create(a[1]);
            c10 = Avx512F.FusedMultiplyAdd(x, b0, c10);
            c11 = Avx512F.FusedMultiplyAdd(x, b1, c11);
            x = Vector512.Create(a[2]);
            c20 = Avx512F.FusedMultiplyAdd(x, b0, c20);
            c21 = Avx512F.FusedMultiplyAdd(x, b1, c21);
            x = Vector512.Create(a[3]);
            c30 = Avx512F.FusedMultiplyAdd(x, b0, c30);
            c31 = Avx512F.FusedMultiplyAdd(x, b1, c31);
            x = Vector512.Create(a[4]);
            c40 = Avx512F.FusedMultiplyAdd(x, b0, c40);
            c41 = Avx512F.FusedMultiplyAdd(x, b1, c41);
            x = Vector512.Create(a[5]);
            c50 = Avx512F.FusedMultiplyAdd(x, b0, c50);
            c51 = Avx512F.FusedMultiplyAdd(x, b1, c51);
            x = Vector512.Create(a[6]);
            c60 = Avx512F.FusedMultiplyAdd(x, b0, c60);
            c61 = Avx512F.FusedMultiplyAdd(x, b1, c61);
            x = Vector512.Create(a[7]);
            c70 = Avx512F.FusedMultiplyAdd(x, b0, c70);
            c71 = Avx512F.FusedMultiplyAdd(x, b1, c71);
            x = Vector512.Create(a[8]);
            c80 = Avx512F.FusedMultiplyAdd(x, b0, c80);
            c81 = Avx512F.FusedMultiplyAdd(x, b1, c81);
            x = Vector512.Create(a[9]);
            c90 = Avx512F.FusedMultiplyAdd(x, b0, c90);
            c91 = Avx512F.FusedMultiplyAdd(x, b1, c91);
            x = Vector512.Create(a[10]);
            c100 = Avx512F.FusedMultiplyAdd(x, b0, c100);
            c101 = Avx512F.FusedMultiplyAdd(x, b1, c101);
            x = Vector512.Create(a[11]);
            c110 = Avx512F.FusedMultiplyAdd(x, b0, c110);
            c111 = Avx512F.FusedMultiplyAdd(x, b1, c111);
            a += Rows;
            b += Columns;
        }
        Store512(c, accumulate, c00, c01);
        Store512(c + stride, accumulate, c10, c11);
        Store512(c + 2 * stride, accumulate, c20, c21);
        Store512(c + 3 * stride, accumulate, c30, c31);
        Store512(c + 4 * stride, accumulate, c40, c41);
        Store512(c + 5 * stride, accumulate, c50, c51);
        Store512(c + 6 * stride, accumulate, c60, c61);
        Store512(c + 7 * stride, accumulate, c70, c71);
        Store512(c + 8 * stride, accumulate, c80, c81);
        Store512(c + 9 * stride, accumulate, c90, c91);
        Store512(c + 10 * stride, accumulate, c100, c101);
        Store512(c + 11 * stride, accumulate, c110, c111);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store512(float* c, bool accumulate, Vector512<float> left, Vector512<float> right)
    {
        if (accumulate)
        {
            left += Vector512.Load(c);
            right += Vector512.Load(c + 16);
        }
        left.Store(c);
        right.Store(c + 16);
    }
}

/// <summary>The implementations of <see cref="DenseTile"/>.</summary>
internal enum DenseTilePath
{
    Scalar,
    Vector128,
    Vector512,
}
