using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Formation.Inference.Kernels.Vectors;

/// <summary>Sixteen pairs (AVX-512).</summary>
internal readonly unsafe struct Pairs512(Vector512<int> value) : IPairs<Pairs512, Floats512>
{
    private readonly Vector512<int> _value = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pairs512 LoadBytes(sbyte* source) => new(Avx512BW.ConvertToVector512Int16(Vector256.Load(source)).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pairs512 Broadcast(short* pair) => new(Vector512.Create(*(int*)pair));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pairs512 MultiplyAdd(Pairs512 left, Pairs512 right, Pairs512 addend) =>
        new(Avx512BW.MultiplyAddAdjacent(left._value.AsInt16(), right._value.AsInt16()) + addend._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Floats512 ToFloats() => new(Vector512.ConvertToSingle(_value));
}
