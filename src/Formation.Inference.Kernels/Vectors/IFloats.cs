using System.Runtime.Intrinsics;

namespace Formation.Inference.Kernels.Vectors;

/// <summary>
/// A vector of float32 in one register of a <see cref="Dispatch.KernelPath"/>, so that a kernel's loop is written once for all
/// widths.
/// </summary>
internal unsafe interface IFloats<TSelf> : ISums<TSelf>, IScales<TSelf>
    where TSelf : struct, IFloats<TSelf>
{
    /// <summary>Lanes; divides <see cref="Sixteen.Lanes"/>.</summary>
    static abstract int Count { get; }

    static abstract TSelf Load(float* source);

    /// <summary>
    /// Reads half precision numbers that are neither infinite nor NaN; cheaper than <see cref="IScales{TSelf}.LoadHalf"/>, and exact.
    /// </summary>
    static abstract TSelf LoadFiniteHalf(ushort* source);

    /// <summary>
    /// Reads pairs of half precision numbers that are neither infinite nor NaN, a pair for each lane. They come out as 2^-112 times their
    /// value, which costs half of what <see cref="LoadFiniteHalf"/> does: what they are multiplied by makes up for it.
    /// </summary>
    static abstract (TSelf First, TSelf Second) LoadHalfPairs(ushort* source);

    /// <summary>Reads bfloat16 numbers.</summary>
    static abstract TSelf LoadBrain(ushort* source);

    static abstract TSelf LoadSByte(sbyte* source);

    static abstract TSelf Broadcast(float value);

    void Store(float* destination);

    /// <summary>Rounds to half precision: to the nearest, ties to even, past the range to infinity.</summary>
    void StoreHalf(ushort* destination);

    /// <summary>Rounds to bfloat16: to the nearest, ties to even; a NaN stays one.</summary>
    void StoreBrain(ushort* destination);

    /// <summary>Rounds to the nearest integer, ties to even. Values lie between -32768 and 32767.</summary>
    void StoreRounded(short* destination);

    /// <summary>values[i] = quants[i] * scale for sixteen values.</summary>
    static abstract void Scale(Vector128<sbyte> quants, float scale, float* values);

    /// <summary>
    /// values[i] = quants[i] * scale + offset for sixteen values, rounded after each of the two operations on every path.
    /// </summary>
    static abstract void ScaleAdd(Vector128<sbyte> quants, float scale, float offset, float* values);

    static abstract TSelf operator +(TSelf left, TSelf right);

    static abstract TSelf operator -(TSelf left, TSelf right);

    static abstract TSelf operator *(TSelf left, TSelf right);

    static abstract TSelf operator /(TSelf left, TSelf right);

    /// <summary>The larger of two numbers; where one is NaN, either.</summary>
    static abstract TSelf Max(TSelf left, TSelf right);

    /// <summary>Values past a limit to either side become the limit, and NaN becomes 0.</summary>
    static abstract TSelf Clamp(TSelf value, float limit);

    /// <summary>value · 2^n, where n is the low bits of <paramref name="power"/>; no lane may leave the range of its exponent.</summary>
    static abstract TSelf AddExponent(TSelf value, TSelf power);

    static abstract TSelf Exp(TSelf value);

    /// <summary>The sum of the lanes: halves are added to each other until one lane is left.</summary>
    float Sum();

    /// <summary>The largest lane.</summary>
    float Max();
}
