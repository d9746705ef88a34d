using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>Bfloat16 numbers in strips: the same column of sixteen rows side by side.</summary>
internal readonly unsafe struct PackedBF16 : IFloatFormat
{
    private static readonly PackedField[] Layout = [new(sizeof(ushort), 1)];

    public static TensorType Type => TensorType.BF16;

    public static ReadOnlySpan<PackedField> Fields => Layout;

    public static int BlockBytes => sizeof(ushort);

    public static float Unpack(byte* block) => BitConverter.Int32BitsToSingle(*(ushort*)block << 16);

    public static TFloats Load<TFloats>(byte* column)
        where TFloats : struct, IFloats<TFloats> => TFloats.LoadBrain((ushort*)column);
}
