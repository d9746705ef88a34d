using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Formation.Inference.Kernels.Vectors;

/// <summary>Four lanes of 32 bits (any processor (SSE, NEON)).</summary>
internal readonly unsafe struct Quads128(Vector128<byte> value) : IQuads<Quads128>
{
    // 1.5 · 2^23: the last bit of a number near it is worth 1.
    private const float Rounder = 12582912f;

    private readonly Vector128<byte> _value = value;

    public static int Count => 4;

    public static bool HasWideParts => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads128 Load(void* source) => new(Vector128.Load((byte*)source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(void* destination) => _value.Store((byte*)destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads128 Broadcast(int value) => new(Vector128.Create(value).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads128 WidenBytes(byte* source) => new(Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(uint*)source).AsByte())).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads128 PairBytes(byte* source)
    {
        var places = Vector128.Create(
            (byte)0, 128, 0, 128, 1, 128, 1, 128, 2, 128, 2, 128, 3, 128, 3, 128);
        return new(Vector128.Shuffle(Vector128.Load(source), places));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads128 PairSBytes(sbyte* signed)
    {
        // A byte in the upper half of its 16 bits, so that the shift brings its sign along.
        var source = (byte*)signed;
        var places = Vector128.Create(
            (byte)128, 0, 128, 0, 128, 1, 128, 1, 128, 2, 128, 2, 128, 3, 128, 3);
        return new((Vector128.Shuffle(Vector128.Load(source), places).AsInt16() >> 8).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads128 WidenSBytes(sbyte* source) => new(Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(int*)source).AsSByte())).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads128 operator &(Quads128 left, Quads128 right) => new(left._value & right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads128 operator |(Quads128 left, Quads128 right) => new(left._value | right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads128 operator ^(Quads128 left, Quads128 right) => new(left._value ^ right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads128 ShiftRight(Quads128 value, [ConstantExpected] int count) => new((value._value.AsUInt32() >>> count).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads128 ShiftRightBy(Quads128 value, int count) => new((value._value.AsUInt32() >>> count).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads128 ShiftLeft(Quads128 value, [ConstantExpected] int count) => new((value._value.AsUInt32() << count).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads128 LookUp(Quads128 table, Quads128 indices) => new(Vector128.ShuffleNative(table._value, indices._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads128 Table(ReadOnlySpan<byte> entries) => new(Vector128.Create(entries));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads128 operator +(Quads128 left, Quads128 right) => new((left._value.AsInt32() + right._value.AsInt32()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads128 operator *(Quads128 left, Quads128 right) => new((left._value.AsInt32() * right._value.AsInt32()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads128 MultiplyPairs(Quads128 left, Quads128 right)
    {
        var (a, b) = (left._value.AsInt32(), right._value.AsInt32());
        return new((((a << 16) >> 16) * ((b << 16) >> 16) + (a >> 16) * (b >> 16)).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads128 AddProducts(Quads128 part, Quads128 levels, Quads128 x)
    {
        // Even and odd bytes apart, each as 16 bits.
        var words = x._value.AsInt16();
        var even = (levels._value.AsUInt16() & Vector128.Create((ushort)0xFF)).AsInt16() * ((words << 8) >> 8);
        var odd = (levels._value.AsUInt16() >>> 8).AsInt16() * (words >> 8);
        return new((part._value.AsInt16() + even + odd).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads128 AddScaled(Quads128 sum, Quads128 part, Quads128 factor) => sum + MultiplyPairs(part, factor);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddScaledFloats(Quads128 value, float* scales, float scale, float* sums) =>
        Vector128.MultiplyAddEstimate(
            Vector128.ConvertToSingle(value._value.AsInt32()), Vector128.Load(scales) * Vector128.Create(scale), Vector128.Load(sums)).Store(sums);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddProduct(float* offsets, float factor, float* sums) =>
        Vector128.MultiplyAddEstimate(Vector128.Load(offsets), Vector128.Create(factor), Vector128.Load(sums)).Store(sums);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads128 Max(Quads128 left, Quads128 right) => new(Vector128.Max(left._value.AsInt32(), right._value.AsInt32()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads128 Round(float* x, float factor)
    {
        // The sum moves the number's last bit to where whole numbers end, so the addition itself rounds as wanted.
        var shifted = Vector128.Load(x) * Vector128.Create(factor) + Vector128.Create(Rounder);
        return new((shifted.AsInt32() - Vector128.Create(Rounder).AsInt32()).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreBytes(sbyte* destination) => *(uint*)destination = Vector128.Narrow(Vector128.Narrow(_value.AsUInt32(), default), default).AsUInt32().ToScalar();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Sum() => Vector128.Sum(_value.AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Largest()
    {
        var lanes = _value.AsInt32();
        return Math.Max(Math.Max(lanes[0], lanes[1]), Math.Max(lanes[2], lanes[3]));
    }
}
