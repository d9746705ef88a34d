using System.Buffers.Binary;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Node.Stages.Wire;

/// <summary>The payloads with rows: a batch on its way downstream, and the last stage's result.</summary>
internal static class BatchFrame
{
    /// <summary>Bytes before the slices of a batch.</summary>
    public const int HeadBytes = 24;

    /// <summary>Bytes of a slice.</summary>
    public const int SliceBytes = 24;

    /// <summary>Bytes before the rows of a result.</summary>
    public const int ResultHeadBytes = 16;

    /// <summary>Writes all of a batch but its rows.</summary>
    public static void WriteHead(FrameBuffer frame, long number, IReadOnlyList<BatchSlice> slices, int rows)
    {
        var references = 0;
        for (var i = 0; i < slices.Count; i++)
            references += slices[i].BlockTable.Length;
        frame.Int64(number);
        frame.Int32(slices.Count);
        frame.Int32(rows);
        frame.Int32(references);
        frame.Int32(0);
        for (var i = 0; i < slices.Count; i++)
        {
            var slice = slices[i];
            frame.Int64(slice.SequenceId);
            frame.Int32(slice.FirstPosition);
            frame.Int32(slice.RowCount);
            frame.Int32(slice.BlockTable.Length);
            frame.Int32((int)slice.Kind);
        }
        for (var i = 0; i < slices.Count; i++)
        {
            var table = slices[i].BlockTable.Span;
            var bytes = frame.Append(table.Length * sizeof(int));
            for (var block = 0; block < table.Length; block++)
                BinaryPrimitives.WriteInt32LittleEndian(bytes[(block * sizeof(int))..], table[block]);
        }
    }

    /// <summary>Writes rows.</summary>
    /// <returns>Their bytes in the frame, valid until it grows.</returns>
    public static ReadOnlySpan<byte> WriteRows(FrameBuffer frame, ActivationPrecision precision, ReadOnlySpan<float> values, int width)
    {
        var bytes = frame.Append(checked(values.Length / width * RowCodec.RowBytes(precision, width)));
        RowCodec.Encode(precision, values, width, bytes);
        return bytes;
    }

    /// <summary>Writes a result but its rows.</summary>
    public static void WriteResultHead(FrameBuffer frame, long number, int rows)
    {
        frame.Int64(number);
        frame.Int32(rows);
        frame.Int32(0);
    }
}
