using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>Single precision numbers in strips: the same column of sixteen rows side by side.</summary>
internal readonly unsafe struct PackedF32 : IFloatFormat
{
    private static readonly PackedField[] Layout = [new(sizeof(float), 1)];

    public static TensorType Type => TensorType.F32;

    public static ReadOnlySpan<PackedField> Fields => Layout;

    public static int BlockBytes => sizeof(float);

    public static float Unpack(byte* block) => *(float*)block;

    public static TFloats Load<TFloats>(byte* column)
        where TFloats : struct, IFloats<TFloats> => TFloats.Load((float*)column);
}
