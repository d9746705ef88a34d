using System.Runtime.CompilerServices;

namespace Formation.Inference.Kernels.Vectors;

/// <summary>2^x with the same bits in every vector width and in scalar code, for the weights of a softmax.</summary>
/// <remarks>
/// x = n + f with n whole and f from -1/2 to 1/2; 2^f is a polynomial, 2^n an addition to its exponent. The coefficients minimise the
/// largest relative error (2.6e-9 before rounding) among polynomials that are 1 at 0, so that 2^0 is exact; Remez' exchange algorithm in
/// 50 digits found them.
/// </remarks>
internal static class Exponential
{
    /// <summary>Where results become 0: 2^x here is the smallest whose exponent is no longer normal.</summary>
    private const float Smallest = -127;

    private const float C1 = 0.693147214967885f;
    private const float C2 = 0.24022652782876178f;
    private const float C3 = 0.05550310551206981f;
    private const float C4 = 0.009617692976143188f;
    private const float C5 = 0.0013406643847480061f;
    private const float C6 = 0.0001559467701510541f;

    /// <summary>2^x for x up to 127; 0 for x up to -127, and without relative precision in the last unit above that.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Exp2<TFloats>(TFloats x) where TFloats : struct, IFloats<TFloats>
    {
        x = TFloats.Max(x, TFloats.Broadcast(Smallest));
        var whole = x + TFloats.Broadcast(Rounder.Whole);
        var f = x - (whole - TFloats.Broadcast(Rounder.Whole));
        var power = TFloats.MultiplyAdd(TFloats.Broadcast(C6), f, TFloats.Broadcast(C5));
        power = TFloats.MultiplyAdd(power, f, TFloats.Broadcast(C4));
        power = TFloats.MultiplyAdd(power, f, TFloats.Broadcast(C3));
        power = TFloats.MultiplyAdd(power, f, TFloats.Broadcast(C2));
        power = TFloats.MultiplyAdd(power, f, TFloats.Broadcast(C1));
        power = TFloats.MultiplyAdd(power, f, TFloats.Broadcast(1));
        return TFloats.AddExponent(power, whole);
    }

    /// <summary>The same for one number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Exp2(float x)
    {
        x = x > Smallest ? x : Smallest;
        var whole = x + Rounder.Whole;
        var f = x - (whole - Rounder.Whole);
        var power = float.MultiplyAddEstimate(C6, f, C5);
        power = float.MultiplyAddEstimate(power, f, C4);
        power = float.MultiplyAddEstimate(power, f, C3);
        power = float.MultiplyAddEstimate(power, f, C2);
        power = float.MultiplyAddEstimate(power, f, C1);
        power = float.MultiplyAddEstimate(power, f, 1);
        return BitConverter.Int32BitsToSingle(
            BitConverter.SingleToInt32Bits(power) + (BitConverter.SingleToInt32Bits(whole) << 23));
    }
}
