namespace Formation.Inference.Kernels.Formats;

/// <summary>The checks in front of every row conversion.</summary>
internal static class RowShape
{
    /// <exception cref="NotSupportedException">The engine does not compute with the format.</exception>
    /// <exception cref="ArgumentException">The bytes are not those of as many values.</exception>
    internal static void Check(TensorType type, int byteCount, int valueCount)
    {
        var info = TensorTypeInfo.Of(type);
        if (!info.IsComputed)
            throw new NotSupportedException($"tensor type {type} is recognised but not computed by this engine");
        var needed = info.RowBytes(valueCount);
        if (byteCount != needed)
            throw new ArgumentException($"a row of {valueCount} values in {type} is {needed} bytes, not {byteCount}");
    }
}
