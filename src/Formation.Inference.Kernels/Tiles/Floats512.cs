using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>Sixteen lanes (AVX-512).</summary>
internal readonly unsafe struct Floats512(Vector512<float> value) : IFloats<Floats512>
{
    private readonly Vector512<float> _value = value;

    public static int Count => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats512 Load(float* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* destination) => _value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats512 MultiplyAdd(Floats512 left, Floats512 right, Floats512 addend) =>
        new(Vector512.MultiplyAddEstimate(left._value, right._value, addend._value));
}
