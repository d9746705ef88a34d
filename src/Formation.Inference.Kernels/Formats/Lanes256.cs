using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Formation.Inference.Kernels.Formats;

/// <summary>Eight lanes of 32 bits (AVX2).</summary>
internal readonly unsafe struct Lanes256 : ILanes
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scale(Vector128<sbyte> quants, float scale, float* values)
    {
        var factor = Vector256.Create(scale);
        (Low(quants) * factor).Store(values);
        (High(quants) * factor).Store(values + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ScaleAdd(Vector128<sbyte> quants, float scale, float offset, float* values)
    {
        var factor = Vector256.Create(scale);
        var term = Vector256.Create(offset);
        (Low(quants) * factor + term).Store(values);
        (High(quants) * factor + term).Store(values + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WidenHalf(ushort* halves, float* values)
    {
        for (var i = 0; i < 16; i += 8)
        {
            var half = Avx2.ConvertToVector256Int32(halves + i);
            var exponentAndMantissa = half & Vector256.Create(0x7FFF);
            var sign = (half ^ exponentAndMantissa) << 16;
            var magnitude = exponentAndMantissa << 13;
            var rebias = Vector256.Create(HalfBits.Rebias);
            var finite = magnitude + rebias;
            var normal = finite + (Vector256.GreaterThanOrEqual(magnitude, Vector256.Create(HalfBits.FirstNonFinite)) & rebias);
            var subnormal = Vector256.ConvertToSingle(exponentAndMantissa) * HalfBits.SubnormalUnit;
            var isSubnormal = Vector256.LessThan(magnitude, Vector256.Create(HalfBits.FirstNormal));
            (Vector256.ConditionalSelect(isSubnormal, subnormal.AsInt32(), normal) | sign).AsSingle().Store(values + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void NarrowHalf(float* values, ushort* halves)
    {
        var low = Narrow(Vector256.Load(values).AsInt32());
        var high = Narrow(Vector256.Load(values + 8).AsInt32());
        Vector256.Narrow(low.AsUInt32(), high.AsUInt32()).Store(halves);

        static Vector256<int> Narrow(Vector256<int> bits)
        {
            var magnitude = bits & Vector256.Create(0x7FFF_FFFF);
            var sign = (bits >> 16) & Vector256.Create(0x8000);
            var half = Vector256.Create(0.5f);
            var subnormal = (magnitude.AsSingle() + half).AsInt32() - half.AsInt32();
            var odd = (magnitude >> 13) & Vector256<int>.One;
            var normal = (magnitude + Vector256.Create(0x0FFF - HalfBits.Rebias) + odd) >> 13;
            var isNan = Vector256.GreaterThan(magnitude, Vector256.Create(0x7F80_0000));
            var nonFinite = Vector256.Create(0x7C00) | (isNan & Vector256.Create(0x0200));
            var finite = Vector256.ConditionalSelect(
                Vector256.LessThan(magnitude, Vector256.Create(HalfBits.SmallestNormal)), subnormal, normal);
            var isOverflow = Vector256.GreaterThanOrEqual(magnitude, Vector256.Create(HalfBits.FirstOverflow));
            return Vector256.ConditionalSelect(isOverflow, nonFinite, finite) | sign;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WidenBrain(ushort* brains, float* values)
    {
        (Avx2.ConvertToVector256Int32(brains) << 16).AsSingle().Store(values);
        (Avx2.ConvertToVector256Int32(brains + 8) << 16).AsSingle().Store(values + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Low(Vector128<sbyte> quants) => Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(quants));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> High(Vector128<sbyte> quants) =>
        Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(Sse2.ShiftRightLogical128BitLane(quants, 8)));
}
