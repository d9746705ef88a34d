using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Kernels.Vectors;

/// <summary>Sixteen lanes (AVX-512).</summary>
internal readonly unsafe struct Floats512(Vector512<float> value) : IFloats<Floats512>
{
    private readonly Vector512<float> _value = value;

    public static int Count => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats512 Load(float* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats512 LoadHalf(ushort* source)
    {
        // Subnormals are converted as integers: as float32 subnormals they would take a slow path of the processor.
        var half = LoadWords(source);
        var magnitude = half & Vector512.Create(0x7FFF);
        var placed = magnitude << 13;
        var rebias = Vector512.Create(HalfBits.Rebias);
        var normal = placed + rebias + (Vector512.GreaterThanOrEqual(placed, Vector512.Create(HalfBits.FirstNonFinite)) & rebias);
        var subnormal = (Vector512.ConvertToSingle(magnitude) * HalfBits.SubnormalUnit).AsInt32();
        var isSubnormal = Vector512.LessThan(placed, Vector512.Create(HalfBits.FirstNormal));
        return new((Vector512.ConditionalSelect(isSubnormal, subnormal, normal) | ((half ^ magnitude) << 16)).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats512 LoadFiniteHalf(ushort* source)
    {
        // Widened with its sign and shifted, a half is a single whose exponent lacks the difference of the biases.
        var placed = (Vector512.WidenLower(Vector256.Load((short*)source).ToVector512Unsafe()) << 13) & Vector512.Create(HalfBits.PlacedBits);
        return new(placed.AsSingle() * HalfBits.RebiasFactor);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Floats512 First, Floats512 Second) LoadHalfPairs(ushort* source)
    {
        // Shifted with its sign, a half's exponent lies where a single's is: what lacks is the difference of the biases.
        var pairs = Vector512.Load((int*)source);
        var placed = Vector512.Create(HalfBits.PlacedBits);
        return (new((((pairs << 16) >> 3) & placed).AsSingle()), new(((pairs >> 3) & placed).AsSingle()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats512 LoadBrain(ushort* source) => new((LoadWords(source) << 16).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats512 LoadSByte(sbyte* source)
    {
        var words = Vector256.WidenLower(Vector128.Load(source).ToVector256Unsafe());
        return new(Vector512.ConvertToSingle(Vector512.WidenLower(words.ToVector512Unsafe())));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats512 LoadHalfPowers(byte* source)
    {
        // The larger is the normal number from an exponent of 2 on, the subnormal before.
        var exponent = Avx512F.ConvertToVector512Int32(Vector128.Load(source));
        var normal = (exponent - Vector512<int>.One) << 23;
        var subnormal = (exponent + Vector512<int>.One) << 21;
        return new(Vector512.Max(normal, subnormal).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats512 Broadcast(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* destination) => _value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreHalf(ushort* destination)
    {
        // HalfBits.FromSingle for all lanes at once.
        var bits = _value.AsInt32();
        var magnitude = bits & Vector512.Create(0x7FFF_FFFF);
        var half = Vector512.Create(0.5f);
        var subnormal = (magnitude.AsSingle() + half).AsInt32() - half.AsInt32();
        var odd = (magnitude >> 13) & Vector512<int>.One;
        var normal = (magnitude + Vector512.Create(0x0FFF - HalfBits.Rebias) + odd) >> 13;
        var isNan = Vector512.GreaterThan(magnitude, Vector512.Create(0x7F80_0000));
        var nonFinite = Vector512.Create(0x7C00) | (isNan & Vector512.Create(0x0200));
        var isSubnormal = Vector512.LessThan(magnitude, Vector512.Create(HalfBits.SmallestNormal));
        var isNonFinite = Vector512.GreaterThanOrEqual(magnitude, Vector512.Create(HalfBits.FirstOverflow));
        var unsigned = Vector512.ConditionalSelect(isNonFinite, nonFinite, Vector512.ConditionalSelect(isSubnormal, subnormal, normal));
        var result = unsigned | ((bits >> 16) & Vector512.Create(0x8000));
        Vector256.Narrow(result.AsUInt32().GetLower(), result.AsUInt32().GetUpper()).Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreBrain(ushort* destination)
    {
        var bits = _value.AsUInt32();
        var upper = bits >> 16;
        var rounded = (bits + Vector512.Create(0x7FFFu) + (upper & Vector512<uint>.One)) >> 16;
        var isNumber = Vector512.Equals(_value, _value).AsUInt32();
        Avx512F.ConvertToVector256UInt16(Vector512.ConditionalSelect(isNumber, rounded, upper | Vector512.Create(0x40u))).Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreRounded(short* destination)
    {
        var bits = (_value + Vector512.Create(Rounder.Whole)).AsInt32();
        Vector256.Narrow(bits.GetLower(), bits.GetUpper()).Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scale(Vector128<sbyte> quants, float scale, float* values)
    {
        var all = Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(quants));
        (all * Vector512.Create(scale)).Store(values);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ScaleAdd(Vector128<sbyte> quants, float scale, float offset, float* values)
    {
        var all = Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(quants));
        (all * Vector512.Create(scale) + Vector512.Create(offset)).Store(values);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats512 operator +(Floats512 left, Floats512 right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats512 operator -(Floats512 value) => new(-value._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats512 operator -(Floats512 left, Floats512 right) => new(left._value - right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats512 operator *(Floats512 left, Floats512 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats512 operator /(Floats512 left, Floats512 right) => new(left._value / right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats512 MultiplyAdd(Floats512 left, Floats512 right, Floats512 addend) =>
        new(Vector512.MultiplyAddEstimate(left._value, right._value, addend._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats512 Max(Floats512 left, Floats512 right) => new(Vector512.MaxNative(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats512 AddExponent(Floats512 value, Floats512 power) =>
        new((value._value.AsInt32() + (power._value.AsInt32() << 23)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats512 Clamp(Floats512 value, float limit)
    {
        var number = Vector512.ConditionalSelect(Vector512.Equals(value._value, value._value), value._value, Vector512<float>.Zero);
        return new(Vector512.MinNative(Vector512.MaxNative(number, Vector512.Create(-limit)), Vector512.Create(limit)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats512 Exp(Floats512 value) => new(Vector512.Exp(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Sum() => new Floats256(_value.GetLower() + _value.GetUpper()).Sum();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Max() => new Floats256(Vector256.MaxNative(_value.GetLower(), _value.GetUpper())).Max();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> LoadWords(ushort* source) => Vector512.WidenLower(Vector256.Load(source).ToVector512Unsafe()).AsInt32();
}
