using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Formation.Inference.Kernels.Formats;

/// <summary>Four lanes of 32 bits, on any processor with vectors.</summary>
internal readonly unsafe struct Lanes128 : ILanes
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scale(Vector128<sbyte> quants, float scale, float* values)
    {
        var (low, high) = Vector128.Widen(quants);
        var (first, second) = Vector128.Widen(low);
        var (third, fourth) = Vector128.Widen(high);
        var factor = Vector128.Create(scale);
        (Vector128.ConvertToSingle(first) * factor).Store(values);
        (Vector128.ConvertToSingle(second) * factor).Store(values + 4);
        (Vector128.ConvertToSingle(third) * factor).Store(values + 8);
        (Vector128.ConvertToSingle(fourth) * factor).Store(values + 12);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ScaleAdd(Vector128<sbyte> quants, float scale, float offset, float* values)
    {
        var (low, high) = Vector128.Widen(quants);
        var (first, second) = Vector128.Widen(low);
        var (third, fourth) = Vector128.Widen(high);
        var factor = Vector128.Create(scale);
        var term = Vector128.Create(offset);
        (Vector128.ConvertToSingle(first) * factor + term).Store(values);
        (Vector128.ConvertToSingle(second) * factor + term).Store(values + 4);
        (Vector128.ConvertToSingle(third) * factor + term).Store(values + 8);
        (Vector128.ConvertToSingle(fourth) * factor + term).Store(values + 12);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WidenHalf(ushort* halves, float* values)
    {
        for (var i = 0; i < 16; i += 8)
        {
            var (low, high) = Vector128.Widen(Vector128.Load(halves + i));
            Widen(low.AsInt32()).Store(values + i);
            Widen(high.AsInt32()).Store(values + i + 4);
        }

        static Vector128<float> Widen(Vector128<int> half)
        {
            var exponentAndMantissa = half & Vector128.Create(0x7FFF);
            var sign = (half ^ exponentAndMantissa) << 16;
            var magnitude = exponentAndMantissa << 13;
            var rebias = Vector128.Create(HalfBits.Rebias);
            var finite = magnitude + rebias;
            var normal = finite + (Vector128.GreaterThanOrEqual(magnitude, Vector128.Create(HalfBits.FirstNonFinite)) & rebias);
            var subnormal = Vector128.ConvertToSingle(exponentAndMantissa) * HalfBits.SubnormalUnit;
            var isSubnormal = Vector128.LessThan(magnitude, Vector128.Create(HalfBits.FirstNormal));
            return (Vector128.ConditionalSelect(isSubnormal, subnormal.AsInt32(), normal) | sign).AsSingle();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void NarrowHalf(float* values, ushort* halves)
    {
        for (var i = 0; i < 16; i += 8)
        {
            var low = Narrow(Vector128.Load(values + i).AsInt32());
            var high = Narrow(Vector128.Load(values + i + 4).AsInt32());
            Vector128.Narrow(low.AsUInt32(), high.AsUInt32()).Store(halves + i);
        }

        static Vector128<int> Narrow(Vector128<int> bits)
        {
            var magnitude = bits & Vector128.Create(0x7FFF_FFFF);
            var sign = (bits >> 16) & Vector128.Create(0x8000);
            var half = Vector128.Create(0.5f);
            var subnormal = (magnitude.AsSingle() + half).AsInt32() - half.AsInt32();
            var odd = (magnitude >> 13) & Vector128<int>.One;
            var normal = (magnitude + Vector128.Create(0x0FFF - HalfBits.Rebias) + odd) >> 13;
            var isNan = Vector128.GreaterThan(magnitude, Vector128.Create(0x7F80_0000));
            var nonFinite = Vector128.Create(0x7C00) | (isNan & Vector128.Create(0x0200));
            var finite = Vector128.ConditionalSelect(
                Vector128.LessThan(magnitude, Vector128.Create(HalfBits.SmallestNormal)), subnormal, normal);
            var isOverflow = Vector128.GreaterThanOrEqual(magnitude, Vector128.Create(HalfBits.FirstOverflow));
            return Vector128.ConditionalSelect(isOverflow, nonFinite, finite) | sign;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WidenBrain(ushort* brains, float* values)
    {
        for (var i = 0; i < 16; i += 8)
        {
            var (low, high) = Vector128.Widen(Vector128.Load(brains + i));
            (low << 16).AsSingle().Store(values + i);
            (high << 16).AsSingle().Store(values + i + 4);
        }
    }
}
