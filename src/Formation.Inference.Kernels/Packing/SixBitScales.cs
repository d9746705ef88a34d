using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>The scales and minimums of Q4_K and Q5_K (see <see cref="PackedScales"/>) of sixteen rows: twelve runs of sixteen bytes.</summary>
internal static unsafe class SixBitScales
{
    /// <summary>Eight groups of 32 columns.</summary>
    internal const int Groups = 8;

    /// <summary>Bytes of sixteen rows.</summary>
    internal const int Bytes = PackedScales.ByteCount * Strip.Outputs;

    /// <summary>One row's scales and minimums: the definition of the other overload.</summary>
    internal static void Unpack(byte* packed, in PanelColumn column)
    {
        for (var group = 0; group < Groups; group++)
        {
            var (scale, minimum) = PackedScales.Get(packed, group);
            column.GroupScale(group, scale);
            column.Minimum(2 * group, minimum);
            column.Minimum(2 * group + 1, minimum);
        }
    }

    /// <summary>Eight runs of scales, then eight of minimums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static byte* Unpack(byte* packed, byte* scales)
    {
        var six = Vector128.Create((byte)63);
        var four = Vector128.Create((byte)0x0F);
        var top = Vector128.Create((byte)0x30);
        var unpackedMinimums = scales + Groups * Strip.Outputs;
        for (var i = 0; i < 4; i++)
        {
            var first = Vector128.Load(packed + i * Strip.Outputs);
            var minimums = Vector128.Load(packed + (i + 4) * Strip.Outputs);
            var lower = Vector128.Load(packed + (i + 8) * Strip.Outputs);
            (first & six).Store(scales + i * Strip.Outputs);
            (minimums & six).Store(unpackedMinimums + i * Strip.Outputs);
            ((lower & four) | (Shifted(first, 2) & top)).Store(scales + (i + 4) * Strip.Outputs);
            ((Shifted(lower, 4) & four) | (Shifted(minimums, 2) & top)).Store(unpackedMinimums + (i + 4) * Strip.Outputs);
        }
        return scales;
    }

    // Shifts 16-bit lanes; the masks drop what crossed a byte.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Shifted(Vector128<byte> value, int count) => (value.AsUInt16() >>> count).AsByte();
}
