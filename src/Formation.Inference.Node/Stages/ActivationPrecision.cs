namespace Formation.Inference.Node.Stages;

/// <summary>How rows of activations cross a link. Everything but the link sees float32. The numbers are on the wire.</summary>
[Flags]
public enum ActivationPrecision : byte
{
    None = 0,

    /// <summary>float32: exact, 4 bytes a value.</summary>
    F32 = 1,

    /// <summary>bfloat16, rounded to nearest, ties to even: 2 bytes a value.</summary>
    BF16 = 2,

    /// <summary>8-bit integers with a float32 scale for each 32 values: 1.125 bytes a value.</summary>
    Q8 = 4,
}
