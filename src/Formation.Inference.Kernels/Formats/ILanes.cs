using System.Runtime.Intrinsics;

namespace Formation.Inference.Kernels.Formats;

/// <summary>
/// The last step of every format, sixteen values at a time, in the widest vectors of one <see cref="Dispatch.KernelPath"/>. A format unpacks
/// its bits in 128-bit vectors, which all processors have, and leaves widening to the lanes. Multiplication and addition are rounded
/// separately on every path, so that all paths give the same bits.
/// </summary>
internal unsafe interface ILanes
{
    /// <summary>values[i] = quants[i] * scale.</summary>
    static abstract void Scale(Vector128<sbyte> quants, float scale, float* values);

    /// <summary>values[i] = quants[i] * scale + offset.</summary>
    static abstract void ScaleAdd(Vector128<sbyte> quants, float scale, float offset, float* values);

    /// <summary>values[i] = the half precision number with the bits halves[i].</summary>
    static abstract void WidenHalf(ushort* halves, float* values);

    /// <summary>halves[i] = the bits of the half precision number nearest to values[i].</summary>
    static abstract void NarrowHalf(float* values, ushort* halves);

    /// <summary>values[i] = the bfloat16 number with the bits brains[i].</summary>
    static abstract void WidenBrain(ushort* brains, float* values);
}
