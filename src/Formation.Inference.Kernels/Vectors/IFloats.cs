using System.Runtime.Intrinsics;

namespace Formation.Inference.Kernels.Vectors;

/// <summary>
/// A vector of float32 in one register of a <see cref="Dispatch.KernelPath"/>, so that a kernel's loop is written once for all
/// widths.
/// </summary>
internal unsafe interface IFloats<TSelf>
    where TSelf : struct, IFloats<TSelf>
{
    /// <summary>Lanes; divides <see cref="Sixteen.Lanes"/>.</summary>
    static abstract int Count { get; }

    static abstract TSelf Load(float* source);

    /// <summary>Reads half precision numbers; exact for all but the payload of a NaN.</summary>
    static abstract TSelf LoadHalf(ushort* source);

    /// <summary>Reads bfloat16 numbers.</summary>
    static abstract TSelf LoadBrain(ushort* source);

    static abstract TSelf LoadSByte(sbyte* source);

    static abstract TSelf Broadcast(float value);

    void Store(float* destination);

    /// <summary>Rounds to half precision: to the nearest, ties to even, past the range to infinity.</summary>
    void StoreHalf(ushort* destination);

    /// <summary>Rounds to bfloat16: to the nearest, ties to even; a NaN stays one.</summary>
    void StoreBrain(ushort* destination);

    /// <summary>values[i] = quants[i] * scale for sixteen values.</summary>
    static abstract void Scale(Vector128<sbyte> quants, float scale, float* values);

    /// <summary>
    /// values[i] = quants[i] * scale + offset for sixteen values, rounded after each of the two operations on every path.
    /// </summary>
    static abstract void ScaleAdd(Vector128<sbyte> quants, float scale, float offset, float* values);

    static abstract TSelf operator +(TSelf left, TSelf right);

    static abstract TSelf operator *(TSelf left, TSelf right);

    static abstract TSelf operator /(TSelf left, TSelf right);

    /// <summary>left * right + addend, with one rounding where the processor has fused multiply-add.</summary>
    static abstract TSelf MultiplyAdd(TSelf left, TSelf right, TSelf addend);

    static abstract TSelf Max(TSelf left, TSelf right);

    static abstract TSelf Exp(TSelf value);

    /// <summary>The sum of the lanes: halves are added to each other until one lane is left.</summary>
    float Sum();

    /// <summary>The largest lane.</summary>
    float Max();
}
