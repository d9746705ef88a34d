using Formation.Inference.Kernels.Memory;

namespace Formation.Inference.Engine.Gguf;

/// <summary>Finds each tensor's bytes in the file and checks that they are there, aligned, and no other's.</summary>
internal static class GgufTensorLayout
{
    /// <param name="file">The whole file.</param>
    /// <param name="part">Which file of the model that is.</param>
    /// <param name="cursor">Stands behind the last description.</param>
    /// <param name="alignment">Of the data's start and of every tensor's.</param>
    /// <param name="descriptions">The tensors, in the file's order.</param>
    public static GgufTensor[] Place(MemoryRegion file, int part, GgufCursor cursor, int alignment, TensorDescription[] descriptions)
    {
        var dataStart = Align(cursor.Position, alignment);
        var tensors = new GgufTensor[descriptions.Length];
        for (var i = 0; i < tensors.Length; i++)
        {
            ref readonly var tensor = ref descriptions[i];
            cursor.Enter("tensor", i, tensor.Name);
            if (tensor.Offset % (ulong)alignment != 0)
                throw cursor.Fail(GgufErrorKind.MisalignedTensor, tensor.OffsetStart,
                    $"offset {tensor.Offset} is no multiple of the alignment {alignment}");
            var available = Math.Max(file.Length - dataStart, 0);
            if (tensor.Offset > (ulong)available || tensor.Bytes > available - (long)tensor.Offset)
                throw cursor.Fail(GgufErrorKind.TensorOutOfFile, tensor.OffsetStart,
                    $"{tensor.Bytes} bytes at offset {tensor.Offset} do not lie in the file's {available} bytes of data");
            var start = dataStart + (long)tensor.Offset;
            var data = file.Slice(start, tensor.Bytes);
            tensors[i] = new GgufTensor(tensor.Name, tensor.Type, tensor.Dimensions, tensor.Elements, part, start, data);
        }
        CheckOverlaps(cursor, descriptions);
        return tensors;
    }

    public static long Align(long position, int alignment) => (position + alignment - 1) & -(long)alignment;

    private static void CheckOverlaps(GgufCursor cursor, TensorDescription[] descriptions)
    {
        var order = new int[descriptions.Length];
        var offsets = new ulong[descriptions.Length];
        for (var i = 0; i < order.Length; i++)
            (order[i], offsets[i]) = (i, descriptions[i].Offset);
        Array.Sort(offsets, order);
        for (var i = 1; i < order.Length; i++)
        {
            ref readonly var previous = ref descriptions[order[i - 1]];
            ref readonly var tensor = ref descriptions[order[i]];
            if (previous.Offset + (ulong)previous.Bytes <= tensor.Offset)
                continue;
            cursor.Enter("tensor", order[i], tensor.Name);
            throw cursor.Fail(GgufErrorKind.OverlappingTensors, tensor.OffsetStart,
                $"offset {tensor.Offset} lies in the bytes of tensor {GgufLimits.Quote(previous.Name)}");
        }
    }
}
