namespace Formation.Inference.Kernels.Attention;

/// <summary>How keys and values are stored.</summary>
public enum KvFormat
{
    /// <summary>float16: 2 bytes a value.</summary>
    F16,

    /// <summary>8-bit integers with one float16 scale for each 32 values of a head: 1.0625 bytes a value.</summary>
    Q8_0,

    /// <summary>float32: 4 bytes a value; exact, for tests.</summary>
    F32,
}
