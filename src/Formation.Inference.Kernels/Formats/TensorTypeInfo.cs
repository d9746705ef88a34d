using System.Collections.Frozen;

namespace Formation.Inference.Kernels.Formats;

/// <summary>The sizes of a storage format.</summary>
/// <param name="Type">Which format.</param>
/// <param name="BlockSize">Values in a block; a row's length is a multiple of it.</param>
/// <param name="BlockBytes">Bytes of a block.</param>
/// <param name="IsComputed">Whether this engine computes with it; the others are recognised and refused by name.</param>
public sealed record TensorTypeInfo(TensorType Type, int BlockSize, int BlockBytes, bool IsComputed)
{
    private static readonly FrozenDictionary<TensorType, TensorTypeInfo> All = new TensorTypeInfo[]
    {
        new(TensorType.F32, 1, 4, true),
        new(TensorType.F16, 1, 2, true),
        new(TensorType.BF16, 1, 2, true),
        new(TensorType.Q4_0, 32, 18, true),
        new(TensorType.Q4_1, 32, 20, true),
        new(TensorType.Q5_0, 32, 22, true),
        new(TensorType.Q5_1, 32, 24, true),
        new(TensorType.Q8_0, 32, 34, true),
        new(TensorType.Q8_1, 32, 36, false),
        new(TensorType.Q2_K, 256, 84, true),
        new(TensorType.Q3_K, 256, 110, true),
        new(TensorType.Q4_K, 256, 144, true),
        new(TensorType.Q5_K, 256, 176, true),
        new(TensorType.Q6_K, 256, 210, true),
        new(TensorType.Q8_K, 256, 292, false),
        new(TensorType.IQ2_XXS, 256, 66, false),
        new(TensorType.IQ2_XS, 256, 74, false),
        new(TensorType.IQ3_XXS, 256, 98, false),
        new(TensorType.IQ1_S, 256, 50, false),
        new(TensorType.IQ4_NL, 32, 18, true),
        new(TensorType.IQ3_S, 256, 110, false),
        new(TensorType.IQ2_S, 256, 82, false),
        new(TensorType.IQ4_XS, 256, 136, true),
        new(TensorType.IQ1_M, 256, 56, false),
        new(TensorType.TQ1_0, 256, 54, false),
        new(TensorType.TQ2_0, 256, 66, false),
        new(TensorType.MXFP4, 32, 17, true),
        new(TensorType.NVFP4, 64, 36, false),
        new(TensorType.Q1_0, 128, 18, false),
        new(TensorType.Q2_0, 64, 18, false),
        new(TensorType.I8, 1, 1, false),
        new(TensorType.I16, 1, 2, false),
        new(TensorType.I32, 1, 4, false),
        new(TensorType.I64, 1, 8, false),
        new(TensorType.F64, 1, 8, false),
    }.ToFrozenDictionary(info => info.Type);

    /// <summary>The sizes of a format, or null where the number is none of the GGUF format's.</summary>
    public static TensorTypeInfo? Find(TensorType type) => All.GetValueOrDefault(type);

    /// <summary>The sizes of a known format.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is none of the GGUF format's.</exception>
    public static TensorTypeInfo Of(TensorType type) =>
        Find(type) ?? throw new ArgumentOutOfRangeException(nameof(type), type, "not a tensor type of the GGUF format");

    /// <summary>Bytes of a row.</summary>
    /// <param name="columns">Values in the row, a multiple of <see cref="BlockSize"/>.</param>
    /// <exception cref="OverflowException">The product does not fit.</exception>
    public long RowBytes(long columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        if (columns % BlockSize != 0)
            throw new ArgumentOutOfRangeException(nameof(columns), columns, $"a row of {Type} has a multiple of {BlockSize} values");
        return checked(columns / BlockSize * BlockBytes);
    }
}
