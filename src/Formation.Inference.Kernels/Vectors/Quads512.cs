using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Formation.Inference.Kernels.Vectors;

/// <summary>Sixteen lanes of 32 bits (AVX-512).</summary>
internal readonly unsafe struct Quads512(Vector512<byte> value) : IQuads<Quads512>
{
    // 1.5 · 2^23: the last bit of a number near it is worth 1.
    private const float Rounder = 12582912f;

    private readonly Vector512<byte> _value = value;

    public static int Count => 16;

    public static bool HasWideParts => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads512 Load(void* source) => new(Vector512.Load((byte*)source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(void* destination) => _value.Store((byte*)destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads512 Broadcast(int value) => new(Vector512.Create(value).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads512 WidenBytes(byte* source) => new(Avx512F.ConvertToVector512Int32(Vector128.Load(source)).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads512 PairBytes(byte* source)
    {
        var places = Vector512.Create(
            (byte)0, 128, 0, 128, 1, 128, 1, 128, 2, 128, 2, 128, 3, 128, 3, 128,
            4, 128, 4, 128, 5, 128, 5, 128, 6, 128, 6, 128, 7, 128, 7, 128,
            8, 128, 8, 128, 9, 128, 9, 128, 10, 128, 10, 128, 11, 128, 11, 128,
            12, 128, 12, 128, 13, 128, 13, 128, 14, 128, 14, 128, 15, 128, 15, 128);
        return new(Avx512BW.Shuffle(Broadcast16(source), places));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads512 PairSBytes(sbyte* signed)
    {
        // A byte in the upper half of its 16 bits, so that the shift brings its sign along.
        var source = (byte*)signed;
        var places = Vector512.Create(
            (byte)128, 0, 128, 0, 128, 1, 128, 1, 128, 2, 128, 2, 128, 3, 128, 3,
            128, 4, 128, 4, 128, 5, 128, 5, 128, 6, 128, 6, 128, 7, 128, 7,
            128, 8, 128, 8, 128, 9, 128, 9, 128, 10, 128, 10, 128, 11, 128, 11,
            128, 12, 128, 12, 128, 13, 128, 13, 128, 14, 128, 14, 128, 15, 128, 15);
        return new((Avx512BW.Shuffle(Broadcast16(source), places).AsInt16() >> 8).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Broadcast16(byte* source) => Avx512F.BroadcastVector128ToVector512((int*)source).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads512 WidenSBytes(sbyte* source) => new(Avx512F.ConvertToVector512Int32(Vector128.Load(source)).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads512 operator &(Quads512 left, Quads512 right) => new(left._value & right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads512 operator |(Quads512 left, Quads512 right) => new(left._value | right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads512 operator ^(Quads512 left, Quads512 right) => new(left._value ^ right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads512 ShiftRight(Quads512 value, [ConstantExpected] int count) => new((value._value.AsUInt32() >>> count).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads512 ShiftRightBy(Quads512 value, int count) => new((value._value.AsUInt32() >>> count).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads512 ShiftLeft(Quads512 value, [ConstantExpected] int count) => new((value._value.AsUInt32() << count).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads512 LookUp(Quads512 table, Quads512 indices) => new(Avx512BW.Shuffle(table._value, indices._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads512 Table(ReadOnlySpan<byte> entries)
    {
        // Two halves put together would go through the stack.
        var lowest = Vector128.Create(entries).ToVector256Unsafe().ToVector512Unsafe().AsInt32();
        return new(Avx512F.Shuffle4x128(lowest, lowest, 0).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads512 operator +(Quads512 left, Quads512 right) => new((left._value.AsInt32() + right._value.AsInt32()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads512 operator *(Quads512 left, Quads512 right) => new((left._value.AsInt32() * right._value.AsInt32()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads512 MultiplyPairs(Quads512 left, Quads512 right) =>
        new(Avx512BW.MultiplyAddAdjacent(left._value.AsInt16(), right._value.AsInt16()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads512 AddProducts(Quads512 part, Quads512 levels, Quads512 x) =>
        new((part._value.AsInt16() + Avx512BW.MultiplyAddAdjacent(levels._value, x._value.AsSByte())).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads512 AddScaled(Quads512 sum, Quads512 part, Quads512 factor) =>
        new((sum._value.AsInt32() + Avx512BW.MultiplyAddAdjacent(part._value.AsInt16(), factor._value.AsInt16())).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddScaledFloats(Quads512 value, float* scales, float scale, float* sums) =>
        Vector512.MultiplyAddEstimate(
            Vector512.ConvertToSingle(value._value.AsInt32()), Vector512.Load(scales) * Vector512.Create(scale), Vector512.Load(sums)).Store(sums);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddProduct(float* offsets, float factor, float* sums) =>
        Vector512.MultiplyAddEstimate(Vector512.Load(offsets), Vector512.Create(factor), Vector512.Load(sums)).Store(sums);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads512 Max(Quads512 left, Quads512 right) => new(Vector512.Max(left._value.AsInt32(), right._value.AsInt32()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads512 Round(float* x, float factor)
    {
        // The sum moves the number's last bit to where whole numbers end, so the addition itself rounds as wanted.
        var shifted = Vector512.Load(x) * Vector512.Create(factor) + Vector512.Create(Rounder);
        return new((shifted.AsInt32() - Vector512.Create(Rounder).AsInt32()).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreBytes(sbyte* destination) => Avx512F.ConvertToVector128SByte(_value.AsInt32()).Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Sum() => Vector512.Sum(_value.AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Largest()
    {
        var half = Vector256.Max(_value.AsInt32().GetLower(), _value.AsInt32().GetUpper());
        return new Quads256(half.AsByte()).Largest();
    }
}
