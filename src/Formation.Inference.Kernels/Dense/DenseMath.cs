using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Formation.Inference.Kernels.Dense;

/// <summary>
/// Vector loops over a row. Each gives the same bits on every machine: fixed lanes of 16, fused multiply-adds, one order of summing.
/// </summary>
internal static unsafe class DenseMath
{
    private const int Lanes = 16;

    /// <summary>Sum of x[i] y[i].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Dot(float* x, float* y, int count)
    {
        var sum = Vector512<float>.Zero;
        var i = 0;
        for (; i + Lanes <= count; i += Lanes)
            sum = Vector512.FusedMultiplyAdd(Vector512.Load(x + i), Vector512.Load(y + i), sum);
        var total = Sum(sum);
        for (; i < count; i++)
            total = MathF.FusedMultiplyAdd(x[i], y[i], total);
        return total;
    }

    /// <summary>y[i] += scale x[i].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddScaled(float* y, float* x, float scale, int count)
    {
        var factor = Vector512.Create(scale);
        var i = 0;
        for (; i + Lanes <= count; i += Lanes)
            Vector512.FusedMultiplyAdd(factor, Vector512.Load(x + i), Vector512.Load(y + i)).Store(y + i);
        for (; i < count; i++)
            y[i] = MathF.FusedMultiplyAdd(scale, x[i], y[i]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Max(float* x, int count)
    {
        var max = Vector512.Create(float.NegativeInfinity);
        var i = 0;
        for (; i + Lanes <= count; i += Lanes)
            max = Vector512.Max(max, Vector512.Load(x + i));
        var best = float.NegativeInfinity;
        for (var lane = 0; lane < Lanes; lane++)
            best = MathF.Max(best, max[lane]);
        for (; i < count; i++)
            best = MathF.Max(best, x[i]);
        return best;
    }

    /// <summary>x[i] = e^(x[i] - shift); returns their sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float ExpShifted(float* x, float shift, int count)
    {
        var offset = Vector512.Create(shift);
        var sum = Vector512<float>.Zero;
        var i = 0;
        for (; i + Lanes <= count; i += Lanes)
        {
            var value = Exp(Vector512.Load(x + i) - offset);
            value.Store(x + i);
            sum += value;
        }
        var total = Sum(sum);
        for (; i < count; i++)
        {
            x[i] = Exp(x[i] - shift);
            total += x[i];
        }
        return total;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scale(float* x, float factor, int count)
    {
        var factors = Vector512.Create(factor);
        var i = 0;
        for (; i + Lanes <= count; i += Lanes)
            (Vector512.Load(x + i) * factors).Store(x + i);
        for (; i < count; i++)
            x[i] *= factor;
    }

    /// <summary>The lanes' sum, halves first.</summary>
    public static float Sum(Vector512<float> value)
    {
        var eight = value.GetLower() + value.GetUpper();
        var four = eight.GetLower() + eight.GetUpper();
        return four[0] + four[2] + (four[1] + four[3]);
    }

    /// <summary>e^x within 2 units in the last place; 0 below -87, and the value at 88 above 88.</summary>
    public static float Exp(float x) => Exp(Vector512.Create(x))[0];

    /// <inheritdoc cref="Exp(float)"/>
    public static Vector512<float> Exp(Vector512<float> x)
    {
        // x = n ln2 + r with |r| <= ln2 / 2; e^r by its Taylor series to r^7; 2^n through the exponent bits.
        var clamped = Vector512.Min(Vector512.Max(x, Vector512.Create(-87f)), Vector512.Create(88f));
        var n = Vector512.Floor(Vector512.FusedMultiplyAdd(clamped, Vector512.Create(1.442695041f), Vector512.Create(0.5f)));
        var r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-0.693359375f), clamped);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(2.12194440e-4f), r);
        var sum = Vector512.Create(1f / 5040);
        sum = Vector512.FusedMultiplyAdd(sum, r, Vector512.Create(1f / 720));
        sum = Vector512.FusedMultiplyAdd(sum, r, Vector512.Create(1f / 120));
        sum = Vector512.FusedMultiplyAdd(sum, r, Vector512.Create(1f / 24));
        sum = Vector512.FusedMultiplyAdd(sum, r, Vector512.Create(1f / 6));
        sum = Vector512.FusedMultiplyAdd(sum, r, Vector512.Create(0.5f));
        sum = Vector512.FusedMultiplyAdd(sum, r, Vector512<float>.One);
        sum = Vector512.FusedMultiplyAdd(sum, r, Vector512<float>.One);
        var power = Vector512.ShiftLeft(Vector512.ConvertToInt32(n) + Vector512.Create(127), 23).AsSingle();
        return Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512.Create(-87f)), Vector512<float>.Zero, sum * power);
    }
}
