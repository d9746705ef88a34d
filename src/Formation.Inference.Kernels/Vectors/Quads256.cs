using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Formation.Inference.Kernels.Vectors;

/// <summary>Eight lanes of 32 bits (AVX2).</summary>
internal readonly unsafe struct Quads256(Vector256<byte> value) : IQuads<Quads256>
{
    // 1.5 · 2^23: the last bit of a number near it is worth 1.
    private const float Rounder = 12582912f;

    private readonly Vector256<byte> _value = value;

    public static int Count => 8;

    public static bool HasWideParts => AvxVnni.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads256 Load(void* source) => new(Vector256.Load((byte*)source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(void* destination) => _value.Store((byte*)destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads256 Broadcast(int value) => new(Vector256.Create(value).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads256 WidenBytes(byte* source) => new(Avx2.ConvertToVector256Int32(source).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads256 PairBytes(byte* source)
    {
        var places = Vector256.Create(
            (byte)0, 128, 0, 128, 1, 128, 1, 128, 2, 128, 2, 128, 3, 128, 3, 128,
            4, 128, 4, 128, 5, 128, 5, 128, 6, 128, 6, 128, 7, 128, 7, 128);
        return new(Avx2.Shuffle(Broadcast16(source), places));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads256 PairSBytes(sbyte* signed)
    {
        // A byte in the upper half of its 16 bits, so that the shift brings its sign along.
        var source = (byte*)signed;
        var places = Vector256.Create(
            (byte)128, 0, 128, 0, 128, 1, 128, 1, 128, 2, 128, 2, 128, 3, 128, 3,
            128, 4, 128, 4, 128, 5, 128, 5, 128, 6, 128, 6, 128, 7, 128, 7);
        return new((Avx2.Shuffle(Broadcast16(source), places).AsInt16() >> 8).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Broadcast16(byte* source) => Avx2.BroadcastVector128ToVector256(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads256 WidenSBytes(sbyte* source) => new(Avx2.ConvertToVector256Int32(source).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads256 operator &(Quads256 left, Quads256 right) => new(left._value & right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads256 operator |(Quads256 left, Quads256 right) => new(left._value | right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads256 operator ^(Quads256 left, Quads256 right) => new(left._value ^ right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads256 ShiftRight(Quads256 value, [ConstantExpected] int count) => new((value._value.AsUInt32() >>> count).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads256 ShiftRightBy(Quads256 value, int count) => new((value._value.AsUInt32() >>> count).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads256 ShiftLeft(Quads256 value, [ConstantExpected] int count) => new((value._value.AsUInt32() << count).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads256 LookUp(Quads256 table, Quads256 indices) => new(Avx2.Shuffle(table._value, indices._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads256 Table(ReadOnlySpan<byte> entries) => new(Vector256.Create(Vector128.Create(entries), Vector128.Create(entries)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads256 operator +(Quads256 left, Quads256 right) => new((left._value.AsInt32() + right._value.AsInt32()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads256 operator *(Quads256 left, Quads256 right) => new((left._value.AsInt32() * right._value.AsInt32()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads256 MultiplyPairs(Quads256 left, Quads256 right) =>
        new(Avx2.MultiplyAddAdjacent(left._value.AsInt16(), right._value.AsInt16()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads256 AddProducts(Quads256 part, Quads256 levels, Quads256 x) => AvxVnni.IsSupported
        ? new(AvxVnni.MultiplyWideningAndAdd(part._value.AsInt32(), levels._value, x._value.AsSByte()).AsByte())
        : new((part._value.AsInt16() + Avx2.MultiplyAddAdjacent(levels._value, x._value.AsSByte())).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads256 AddScaled(Quads256 sum, Quads256 part, Quads256 factor) => AvxVnni.IsSupported
        ? new((sum._value.AsInt32() + part._value.AsInt32() * factor._value.AsInt32()).AsByte())
        : new((sum._value.AsInt32() + Avx2.MultiplyAddAdjacent(part._value.AsInt16(), factor._value.AsInt16())).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddScaledFloats(Quads256 value, float* scales, float scale, float* sums) =>
        Vector256.MultiplyAddEstimate(
            Vector256.ConvertToSingle(value._value.AsInt32()), Vector256.Load(scales) * Vector256.Create(scale), Vector256.Load(sums)).Store(sums);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddProduct(float* offsets, float factor, float* sums) =>
        Vector256.MultiplyAddEstimate(Vector256.Load(offsets), Vector256.Create(factor), Vector256.Load(sums)).Store(sums);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads256 Max(Quads256 left, Quads256 right) => new(Vector256.Max(left._value.AsInt32(), right._value.AsInt32()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads256 Round(float* x, float factor)
    {
        // The sum moves the number's last bit to where whole numbers end, so the addition itself rounds as wanted.
        var shifted = Vector256.Load(x) * Vector256.Create(factor) + Vector256.Create(Rounder);
        return new((shifted.AsInt32() - Vector256.Create(Rounder).AsInt32()).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreBytes(sbyte* destination) => Vector128.Narrow(Vector128.Narrow(_value.AsInt32().GetLower(), _value.AsInt32().GetUpper()), default).GetLower().Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Sum() => Vector256.Sum(_value.AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Largest()
    {
        var half = Vector128.Max(_value.AsInt32().GetLower(), _value.AsInt32().GetUpper());
        return new Quads128(half.AsByte()).Largest();
    }
}
