namespace Formation.Inference.Cluster.Placement;

/// <summary>How activations cross a link.</summary>
public enum LinkPrecision
{
    /// <summary>float32, as they are computed: the tokens are those of one machine.</summary>
    F32,

    /// <summary>bfloat16: half the bytes, and other roundings.</summary>
    BF16,

    /// <summary>8-bit integers with a float32 scale for each 32 values: 1.125 bytes a value.</summary>
    Q8,
}

/// <summary>The bytes of activations on a link.</summary>
public static class LinkPrecisions
{
    private const int ScaledValues = 32;

    /// <summary>Bytes of one row.</summary>
    /// <param name="precision">How it crosses.</param>
    /// <param name="hiddenSize">Values of the row.</param>
    public static long RowBytes(this LinkPrecision precision, int hiddenSize) => precision switch
    {
        LinkPrecision.F32 => sizeof(float) * (long)hiddenSize,
        LinkPrecision.BF16 => sizeof(ushort) * (long)hiddenSize,
        LinkPrecision.Q8 => hiddenSize + (((long)hiddenSize + ScaledValues - 1) / ScaledValues * sizeof(float)),
        _ => throw new ArgumentOutOfRangeException(nameof(precision), precision, "no such precision"),
    };
}
