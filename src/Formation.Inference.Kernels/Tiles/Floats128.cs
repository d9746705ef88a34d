using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>Four lanes, on any processor with vectors.</summary>
internal readonly unsafe struct Floats128(Vector128<float> value) : IFloats<Floats128>
{
    private readonly Vector128<float> _value = value;

    public static int Count => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats128 Load(float* source) => new(Vector128.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* destination) => _value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats128 MultiplyAdd(Floats128 left, Floats128 right, Floats128 addend) =>
        new(Vector128.MultiplyAddEstimate(left._value, right._value, addend._value));
}
