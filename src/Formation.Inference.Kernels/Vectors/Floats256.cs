using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Kernels.Vectors;

/// <summary>Eight lanes (AVX2).</summary>
internal readonly unsafe struct Floats256(Vector256<float> value) : IFloats<Floats256>
{
    private readonly Vector256<float> _value = value;

    public static int Count => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats256 Load(float* source) => new(Vector256.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats256 LoadHalf(ushort* source)
    {
        // Subnormals are converted as integers: as float32 subnormals they would take a slow path of the processor.
        var half = LoadWords(source);
        var magnitude = half & Vector256.Create(0x7FFF);
        var placed = magnitude << 13;
        var rebias = Vector256.Create(HalfBits.Rebias);
        var normal = placed + rebias + (Vector256.GreaterThanOrEqual(placed, Vector256.Create(HalfBits.FirstNonFinite)) & rebias);
        var subnormal = (Vector256.ConvertToSingle(magnitude) * HalfBits.SubnormalUnit).AsInt32();
        var isSubnormal = Vector256.LessThan(placed, Vector256.Create(HalfBits.FirstNormal));
        return new((Vector256.ConditionalSelect(isSubnormal, subnormal, normal) | ((half ^ magnitude) << 16)).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats256 LoadFiniteHalf(ushort* source)
    {
        // Widened with its sign and shifted, a half is a single whose exponent lacks the difference of the biases.
        var placed = (Vector256.WidenLower(Vector128.Load((short*)source).ToVector256Unsafe()) << 13) & Vector256.Create(HalfBits.PlacedBits);
        return new(placed.AsSingle() * HalfBits.RebiasFactor);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Floats256 First, Floats256 Second) LoadHalfPairs(ushort* source)
    {
        // Shifted with its sign, a half's exponent lies where a single's is: what lacks is the difference of the biases.
        var pairs = Vector256.Load((int*)source);
        var placed = Vector256.Create(HalfBits.PlacedBits);
        return (new((((pairs << 16) >> 3) & placed).AsSingle()), new(((pairs >> 3) & placed).AsSingle()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats256 LoadBrain(ushort* source) => new((LoadWords(source) << 16).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats256 LoadSByte(sbyte* source)
    {
        var words = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(long*)source).AsSByte());
        return new(Vector256.ConvertToSingle(Vector256.WidenLower(words.ToVector256Unsafe())));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats256 LoadHalfPowers(byte* source)
    {
        // The larger is the normal number from an exponent of 2 on, the subnormal before.
        var exponent = Vector256.WidenLower(Vector256.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)source).AsByte().ToVector256Unsafe())).AsInt32();
        var normal = (exponent - Vector256<int>.One) << 23;
        var subnormal = (exponent + Vector256<int>.One) << 21;
        return new(Vector256.Max(normal, subnormal).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats256 Broadcast(float value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* destination) => _value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreHalf(ushort* destination)
    {
        // HalfBits.FromSingle for all lanes at once.
        var bits = _value.AsInt32();
        var magnitude = bits & Vector256.Create(0x7FFF_FFFF);
        var half = Vector256.Create(0.5f);
        var subnormal = (magnitude.AsSingle() + half).AsInt32() - half.AsInt32();
        var odd = (magnitude >> 13) & Vector256<int>.One;
        var normal = (magnitude + Vector256.Create(0x0FFF - HalfBits.Rebias) + odd) >> 13;
        var isNan = Vector256.GreaterThan(magnitude, Vector256.Create(0x7F80_0000));
        var nonFinite = Vector256.Create(0x7C00) | (isNan & Vector256.Create(0x0200));
        var isSubnormal = Vector256.LessThan(magnitude, Vector256.Create(HalfBits.SmallestNormal));
        var isNonFinite = Vector256.GreaterThanOrEqual(magnitude, Vector256.Create(HalfBits.FirstOverflow));
        var unsigned = Vector256.ConditionalSelect(isNonFinite, nonFinite, Vector256.ConditionalSelect(isSubnormal, subnormal, normal));
        var result = unsigned | ((bits >> 16) & Vector256.Create(0x8000));
        Vector128.Narrow(result.AsUInt32().GetLower(), result.AsUInt32().GetUpper()).Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreBrain(ushort* destination)
    {
        var bits = _value.AsUInt32();
        var upper = bits >> 16;
        var rounded = (bits + Vector256.Create(0x7FFFu) + (upper & Vector256<uint>.One)) >> 16;
        var isNumber = Vector256.Equals(_value, _value).AsUInt32();
        var result = Vector256.ConditionalSelect(isNumber, rounded, upper | Vector256.Create(0x40u));
        Vector128.Narrow(result.GetLower(), result.GetUpper()).Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreRounded(short* destination)
    {
        var bits = (_value + Vector256.Create(Rounder.Whole)).AsInt32();
        Vector128.Narrow(bits.GetLower(), bits.GetUpper()).Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scale(Vector128<sbyte> quants, float scale, float* values)
    {
        var low = Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(quants));
        var high = Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(Sse2.ShiftRightLogical128BitLane(quants, 8)));
        var factor = Vector256.Create(scale);
        (low * factor).Store(values);
        (high * factor).Store(values + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ScaleAdd(Vector128<sbyte> quants, float scale, float offset, float* values)
    {
        var low = Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(quants));
        var high = Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(Sse2.ShiftRightLogical128BitLane(quants, 8)));
        var factor = Vector256.Create(scale);
        var term = Vector256.Create(offset);
        (low * factor + term).Store(values);
        (high * factor + term).Store(values + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats256 operator +(Floats256 left, Floats256 right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats256 operator -(Floats256 value) => new(-value._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats256 operator -(Floats256 left, Floats256 right) => new(left._value - right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats256 operator *(Floats256 left, Floats256 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats256 operator /(Floats256 left, Floats256 right) => new(left._value / right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats256 MultiplyAdd(Floats256 left, Floats256 right, Floats256 addend) =>
        new(Vector256.MultiplyAddEstimate(left._value, right._value, addend._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats256 Max(Floats256 left, Floats256 right) => new(Vector256.MaxNative(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats256 AddExponent(Floats256 value, Floats256 power) =>
        new((value._value.AsInt32() + (power._value.AsInt32() << 23)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats256 Clamp(Floats256 value, float limit)
    {
        var number = Vector256.ConditionalSelect(Vector256.Equals(value._value, value._value), value._value, Vector256<float>.Zero);
        return new(Vector256.MinNative(Vector256.MaxNative(number, Vector256.Create(-limit)), Vector256.Create(limit)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats256 Exp(Floats256 value) => new(Vector256.Exp(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Sum() => new Floats128(_value.GetLower() + _value.GetUpper()).Sum();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Max() => new Floats128(Vector128.MaxNative(_value.GetLower(), _value.GetUpper())).Max();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> LoadWords(ushort* source) => Vector256.WidenLower(Vector128.Load(source).ToVector256Unsafe()).AsInt32();
}
