namespace Formation.Inference.Kernels.Formats;

/// <summary>The checks in front of every row conversion.</summary>
internal static class RowShape
{
    /// <exception cref="NotSupportedException">The engine does not compute with the format.</exception>
    internal static void CheckComputed(TensorType type)
    {
        if (!TensorTypeInfo.Of(type).IsComputed)
            throw NotComputed(type);
    }

    internal static NotSupportedException NotComputed(TensorType type) =>
        new($"tensor type {type} is recognised but not computed by this engine");

    /// <exception cref="NotSupportedException">The engine does not compute with the format.</exception>
    /// <exception cref="ArgumentException">The bytes are not those of as many values.</exception>
    internal static void Check(TensorType type, int byteCount, int valueCount)
    {
        CheckComputed(type);
        var needed = TensorTypeInfo.Of(type).RowBytes(valueCount);
        if (byteCount != needed)
            throw new ArgumentException($"a row of {valueCount} values in {type} is {needed} bytes, not {byteCount}");
    }
}
