namespace Formation.Inference.Kernels.Inputs;

/// <summary>Some rows of <see cref="QuantizedRows"/>, from some column on, as a tile reads them.</summary>
internal readonly unsafe struct InputRows(sbyte* quants, nint stride, float* scales, nint scaleStride, short* sums, nint sumStride)
{
    /// <summary>Bytes from a row to the next.</summary>
    internal nint Stride => stride;

    /// <summary>Scales from a row to the next.</summary>
    internal nint ScaleStride => scaleStride;

    /// <summary>Sums from a row to the next.</summary>
    internal nint SumStride => sumStride;

    /// <summary>Bytes of four neighbouring columns are a quad.</summary>
    internal sbyte* Quants(int row) => quants + row * stride;

    internal float* Scales(int row) => scales + row * scaleStride;

    /// <summary>Sums of sixteen columns; two of them are a pair.</summary>
    internal short* Sums(int row) => sums + row * sumStride;
}
