using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>Eight lanes (AVX2).</summary>
internal readonly unsafe struct Floats256(Vector256<float> value) : IFloats<Floats256>
{
    private readonly Vector256<float> _value = value;

    public static int Count => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats256 Load(float* source) => new(Vector256.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* destination) => _value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats256 MultiplyAdd(Floats256 left, Floats256 right, Floats256 addend) =>
        new(Vector256.MultiplyAddEstimate(left._value, right._value, addend._value));
}
