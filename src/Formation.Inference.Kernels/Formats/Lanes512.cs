using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Formation.Inference.Kernels.Formats;

/// <summary>Sixteen lanes of 32 bits (AVX-512).</summary>
internal readonly unsafe struct Lanes512 : ILanes
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scale(Vector128<sbyte> quants, float scale, float* values) => (Widen(quants) * Vector512.Create(scale)).Store(values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ScaleAdd(Vector128<sbyte> quants, float scale, float offset, float* values) =>
        (Widen(quants) * Vector512.Create(scale) + Vector512.Create(offset)).Store(values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WidenHalf(ushort* halves, float* values)
    {
        var half = Avx512F.ConvertToVector512Int32(Vector256.Load(halves));
        var exponentAndMantissa = half & Vector512.Create(0x7FFF);
        var sign = (half ^ exponentAndMantissa) << 16;
        var magnitude = exponentAndMantissa << 13;
        var rebias = Vector512.Create(HalfBits.Rebias);
        var finite = magnitude + rebias;
        var normal = finite + (Vector512.GreaterThanOrEqual(magnitude, Vector512.Create(HalfBits.FirstNonFinite)) & rebias);
        var subnormal = Vector512.ConvertToSingle(exponentAndMantissa) * HalfBits.SubnormalUnit;
        var isSubnormal = Vector512.LessThan(magnitude, Vector512.Create(HalfBits.FirstNormal));
        (Vector512.ConditionalSelect(isSubnormal, subnormal.AsInt32(), normal) | sign).AsSingle().Store(values);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void NarrowHalf(float* values, ushort* halves)
    {
        var bits = Vector512.Load(values).AsInt32();
        var magnitude = bits & Vector512.Create(0x7FFF_FFFF);
        var sign = (bits >> 16) & Vector512.Create(0x8000);
        var half = Vector512.Create(0.5f);
        var subnormal = (magnitude.AsSingle() + half).AsInt32() - half.AsInt32();
        var odd = (magnitude >> 13) & Vector512<int>.One;
        var normal = (magnitude + Vector512.Create(0x0FFF - HalfBits.Rebias) + odd) >> 13;
        var isNan = Vector512.GreaterThan(magnitude, Vector512.Create(0x7F80_0000));
        var nonFinite = Vector512.Create(0x7C00) | (isNan & Vector512.Create(0x0200));
        var finite = Vector512.ConditionalSelect(Vector512.LessThan(magnitude, Vector512.Create(HalfBits.SmallestNormal)), subnormal, normal);
        var isOverflow = Vector512.GreaterThanOrEqual(magnitude, Vector512.Create(HalfBits.FirstOverflow));
        var narrowed = Vector512.ConditionalSelect(isOverflow, nonFinite, finite) | sign;
        Avx512F.ConvertToVector256UInt16(narrowed.AsUInt32()).Store(halves);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WidenBrain(ushort* brains, float* values) =>
        (Avx512F.ConvertToVector512Int32(Vector256.Load(brains)) << 16).AsSingle().Store(values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Widen(Vector128<sbyte> quants) => Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(quants));
}
