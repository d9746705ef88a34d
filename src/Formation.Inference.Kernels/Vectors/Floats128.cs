using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Kernels.Vectors;

/// <summary>Four lanes of any processor (SSE, NEON).</summary>
internal readonly unsafe struct Floats128(Vector128<float> value) : IFloats<Floats128>
{
    private readonly Vector128<float> _value = value;

    public static int Count => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats128 Load(float* source) => new(Vector128.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats128 LoadHalf(ushort* source)
    {
        // Subnormals are converted as integers: as float32 subnormals they would take a slow path of the processor.
        var half = LoadWords(source);
        var magnitude = half & Vector128.Create(0x7FFF);
        var placed = magnitude << 13;
        var rebias = Vector128.Create(HalfBits.Rebias);
        var normal = placed + rebias + (Vector128.GreaterThanOrEqual(placed, Vector128.Create(HalfBits.FirstNonFinite)) & rebias);
        var subnormal = (Vector128.ConvertToSingle(magnitude) * HalfBits.SubnormalUnit).AsInt32();
        var isSubnormal = Vector128.LessThan(placed, Vector128.Create(HalfBits.FirstNormal));
        return new((Vector128.ConditionalSelect(isSubnormal, subnormal, normal) | ((half ^ magnitude) << 16)).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats128 LoadFiniteHalf(ushort* source)
    {
        // Widened with its sign and shifted, a half is a single whose exponent lacks the difference of the biases.
        var placed = (Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(long*)source).AsInt16()) << 13) & Vector128.Create(HalfBits.PlacedBits);
        return new(placed.AsSingle() * HalfBits.RebiasFactor);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Floats128 First, Floats128 Second) LoadHalfPairs(ushort* source)
    {
        // Shifted with its sign, a half's exponent lies where a single's is: what lacks is the difference of the biases.
        var pairs = Vector128.Load((int*)source);
        var placed = Vector128.Create(HalfBits.PlacedBits);
        return (new((((pairs << 16) >> 3) & placed).AsSingle()), new(((pairs >> 3) & placed).AsSingle()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats128 LoadBrain(ushort* source) => new((LoadWords(source) << 16).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats128 LoadSByte(sbyte* source)
    {
        var words = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(int*)source).AsSByte());
        return new(Vector128.ConvertToSingle(Vector128.WidenLower(words)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats128 LoadHalfPowers(byte* source)
    {
        // The larger is the normal number from an exponent of 2 on, the subnormal before.
        var exponent = Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(uint*)source).AsByte())).AsInt32();
        var normal = (exponent - Vector128<int>.One) << 23;
        var subnormal = (exponent + Vector128<int>.One) << 21;
        return new(Vector128.Max(normal, subnormal).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats128 Broadcast(float value) => new(Vector128.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* destination) => _value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreHalf(ushort* destination)
    {
        // HalfBits.FromSingle for all lanes at once.
        var bits = _value.AsInt32();
        var magnitude = bits & Vector128.Create(0x7FFF_FFFF);
        var half = Vector128.Create(0.5f);
        var subnormal = (magnitude.AsSingle() + half).AsInt32() - half.AsInt32();
        var odd = (magnitude >> 13) & Vector128<int>.One;
        var normal = (magnitude + Vector128.Create(0x0FFF - HalfBits.Rebias) + odd) >> 13;
        var isNan = Vector128.GreaterThan(magnitude, Vector128.Create(0x7F80_0000));
        var nonFinite = Vector128.Create(0x7C00) | (isNan & Vector128.Create(0x0200));
        var isSubnormal = Vector128.LessThan(magnitude, Vector128.Create(HalfBits.SmallestNormal));
        var isNonFinite = Vector128.GreaterThanOrEqual(magnitude, Vector128.Create(HalfBits.FirstOverflow));
        var unsigned = Vector128.ConditionalSelect(isNonFinite, nonFinite, Vector128.ConditionalSelect(isSubnormal, subnormal, normal));
        var result = unsigned | ((bits >> 16) & Vector128.Create(0x8000));
        Vector128.Narrow(result.AsUInt32(), result.AsUInt32()).GetLower().Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreBrain(ushort* destination)
    {
        var bits = _value.AsUInt32();
        var upper = bits >> 16;
        var rounded = (bits + Vector128.Create(0x7FFFu) + (upper & Vector128<uint>.One)) >> 16;
        var isNumber = Vector128.Equals(_value, _value).AsUInt32();
        var result = Vector128.ConditionalSelect(isNumber, rounded, upper | Vector128.Create(0x40u));
        Vector128.Narrow(result, result).GetLower().Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreRounded(short* destination)
    {
        var bits = (_value + Vector128.Create(Rounder.Whole)).AsInt32();
        Vector128.Narrow(bits, bits).GetLower().Store(destination);
    }

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
    public static Floats128 operator +(Floats128 left, Floats128 right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats128 operator -(Floats128 value) => new(-value._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats128 operator -(Floats128 left, Floats128 right) => new(left._value - right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats128 operator *(Floats128 left, Floats128 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats128 operator /(Floats128 left, Floats128 right) => new(left._value / right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats128 MultiplyAdd(Floats128 left, Floats128 right, Floats128 addend) =>
        new(Vector128.MultiplyAddEstimate(left._value, right._value, addend._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats128 Max(Floats128 left, Floats128 right) => new(Vector128.MaxNative(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats128 AddExponent(Floats128 value, Floats128 power) =>
        new((value._value.AsInt32() + (power._value.AsInt32() << 23)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats128 Clamp(Floats128 value, float limit)
    {
        var number = Vector128.ConditionalSelect(Vector128.Equals(value._value, value._value), value._value, Vector128<float>.Zero);
        return new(Vector128.MinNative(Vector128.MaxNative(number, Vector128.Create(-limit)), Vector128.Create(limit)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats128 Exp(Floats128 value) => new(Vector128.Exp(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Sum()
    {
        var pairs = _value + Vector128.Shuffle(_value, Vector128.Create(2, 3, 0, 1));
        return pairs[0] + pairs[1];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Max()
    {
        var pairs = Vector128.MaxNative(_value, Vector128.Shuffle(_value, Vector128.Create(2, 3, 0, 1)));
        return Vector128.MaxNative(pairs, Vector128.Shuffle(pairs, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> LoadWords(ushort* source) =>
        Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(long*)source).AsUInt16()).AsInt32();
}
