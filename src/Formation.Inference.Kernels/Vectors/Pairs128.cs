using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Formation.Inference.Kernels.Vectors;

/// <summary>Four pairs of any processor (SSE, NEON).</summary>
internal readonly unsafe struct Pairs128(Vector128<int> value) : IPairs<Pairs128, Floats128>
{
    private readonly Vector128<int> _value = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pairs128 LoadBytes(sbyte* source) =>
        new(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(long*)source).AsSByte()).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pairs128 Broadcast(short* pair) => new(Vector128.Create(*(int*)pair));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pairs128 MultiplyAdd(Pairs128 left, Pairs128 right, Pairs128 addend)
    {
        var (x, y) = (left._value.AsInt16(), right._value.AsInt16());
        if (Sse2.IsSupported)
            return new(Sse2.MultiplyAddAdjacent(x, y) + addend._value);
        if (AdvSimd.Arm64.IsSupported)
        {
            var lower = AdvSimd.MultiplyWideningLower(x.GetLower(), y.GetLower());
            return new(AdvSimd.Arm64.AddPairwise(lower, AdvSimd.MultiplyWideningUpper(x, y)) + addend._value);
        }
        // The even and the odd numbers of all pairs, each widened in its place.
        var even = ((left._value << 16) >> 16) * ((right._value << 16) >> 16);
        return new(even + (left._value >> 16) * (right._value >> 16) + addend._value);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Floats128 ToFloats() => new(Vector128.ConvertToSingle(_value));
}
