using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Inputs;
using Formation.Inference.Kernels.Packing;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>
/// Products of one strip with one row of activations: levels go from memory through registers into products, since no other row is there to
/// use an unpacked panel again. The numbers are those of <see cref="IntegerTile{TQuads, TFormat}"/>.
/// </summary>
internal static unsafe class StripDot<TQuads, TFloats, TFormat>
    where TQuads : struct, IQuads<TQuads>
    where TFloats : struct, IFloats<TFloats>
    where TFormat : struct, IIntegerFormat
{
    /// <summary>Adds the products of whole blocks to the sums of sixteen outputs.</summary>
    /// <param name="strip">The first block.</param>
    /// <param name="x">The row is the first of these.</param>
    internal static void Accumulate(byte* strip, int blocks, in InputRows x, float* sums)
    {
        if (LinearKernels.HasIntegerCode<TQuads, TFormat>())
            StripCode<TFormat>.Accumulate(strip, blocks, x, sums);
        else
            AccumulateIntrinsics(strip, blocks, x, sums);
    }

    /// <summary>The same without machine code.</summary>
    internal static void AccumulateIntrinsics(byte* strip, int blocks, in InputRows x, float* sums)
    {
        if (TFormat.BlockColumns > TFormat.GroupColumns)
            GroupDot<TQuads, TFloats, TFormat>.Accumulate(strip, blocks, x, sums);
        else
            BlockDot<TQuads, TFloats, TFormat>.Accumulate(strip, blocks, x, sums);
    }
}
