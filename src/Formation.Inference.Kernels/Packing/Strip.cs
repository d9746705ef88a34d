using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Kernels.Packing;

/// <summary>
/// Sixteen rows of a weight, block by block: each number of a block (a scale, or a quad of quantised values) stands beside the same number of
/// the other fifteen rows. So a vector of the strip meets one broadcast quad of activations, and every lane sums for an output of its own.
/// </summary>
/// <remarks>A strip has exactly the bytes of its rows. Rows past the last of the weight are zero bytes, which mean zero in every format.</remarks>
internal static unsafe class Strip
{
    /// <summary>Outputs of a strip: the lanes of the widest vector.</summary>
    internal const int Outputs = 16;

    /// <summary>Interleaves the same block of sixteen rows.</summary>
    /// <param name="fields">The block's numbers, in order.</param>
    /// <param name="rows">First row's block.</param>
    /// <param name="rowBytes">Bytes from a row to the next.</param>
    /// <param name="count">Rows that there are, 1 to 16.</param>
    /// <param name="strip">Sixteen times the block's bytes; overwritten.</param>
    internal static void PackBlock(ReadOnlySpan<PackedField> fields, byte* rows, long rowBytes, int count, byte* strip)
    {
        foreach (var (width, numbers) in fields)
        {
            for (var number = 0; number < numbers; number++, rows += width, strip += Outputs * width)
            {
                for (var row = 0; row < count; row++)
                    Copy(rows + row * rowBytes, strip + row * width, width);
                if (count < Outputs)
                    new Span<byte>(strip + count * width, (Outputs - count) * width).Clear();
            }
        }
    }

    /// <summary>Takes one row's block out of a strip: the inverse of <see cref="PackBlock"/>.</summary>
    internal static void UnpackBlock(ReadOnlySpan<PackedField> fields, byte* strip, int row, byte* block)
    {
        foreach (var (width, numbers) in fields)
        {
            for (var number = 0; number < numbers; number++, block += width, strip += Outputs * width)
                Copy(strip + row * width, block, width);
        }
    }

    private static void Copy(byte* source, byte* destination, int width)
    {
        switch (width)
        {
            case sizeof(uint):
                *(uint*)destination = *(uint*)source;
                break;
            case sizeof(ushort):
                *(ushort*)destination = *(ushort*)source;
                break;
            default:
                *destination = *source;
                break;
        }
    }
}
