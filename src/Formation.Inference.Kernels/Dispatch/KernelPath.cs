namespace Formation.Inference.Kernels.Dispatch;

/// <summary>Which instructions the kernels use. A higher value needs more of the processor.</summary>
public enum KernelPath
{
    /// <summary>Plain C#, one value at a time: the definition that every other path is tested against.</summary>
    Scalar,

    /// <summary>128-bit vectors of any processor (SSE on x86, NEON on ARM).</summary>
    Vector128,

    /// <summary>256-bit vectors and fused multiply-add of x86.</summary>
    Avx2,

    /// <summary>512-bit vectors of x86 (AVX-512 F, BW, DQ and VL).</summary>
    Avx512,

    /// <summary>
    /// The matrix tiles of x86 for prompts, and for all else what <see cref="Avx512"/> has: wherever vectors are chosen, the two are one.
    /// </summary>
    Amx,
}
