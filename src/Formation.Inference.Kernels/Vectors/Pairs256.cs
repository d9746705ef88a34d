using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Formation.Inference.Kernels.Vectors;

/// <summary>Eight pairs (AVX2, with the dot product of AVX-VNNI where the processor has it).</summary>
internal readonly unsafe struct Pairs256(Vector256<int> value) : IPairs<Pairs256, Floats256>
{
    private readonly Vector256<int> _value = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pairs256 LoadBytes(sbyte* source) => new(Avx2.ConvertToVector256Int16(Vector128.Load(source)).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pairs256 Broadcast(short* pair) => new(Vector256.Create(*(int*)pair));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pairs256 MultiplyAdd(Pairs256 left, Pairs256 right, Pairs256 addend) => AvxVnni.IsSupported
        ? new(AvxVnni.MultiplyWideningAndAdd(addend._value, left._value.AsInt16(), right._value.AsInt16()))
        : new(Avx2.MultiplyAddAdjacent(left._value.AsInt16(), right._value.AsInt16()) + addend._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Floats256 ToFloats() => new(Vector256.ConvertToSingle(_value));
}
