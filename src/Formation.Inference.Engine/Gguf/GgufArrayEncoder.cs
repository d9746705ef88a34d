namespace Formation.Inference.Engine.Gguf;

/// <summary>Writes arrays of the metadata.</summary>
internal static class GgufArrayEncoder
{
    /// <exception cref="ArgumentException">The format has no such array.</exception>
    public static void Check(Array values, int depth = 1)
    {
        if (values.Rank != 1 || depth > GgufLimits.MaximumArrayDepth)
            throw new ArgumentException(
                $"arrays have one dimension and are nested at most {GgufLimits.MaximumArrayDepth} deep", nameof(values));
        if (ElementType(values) is not (GgufValueType.Array or GgufValueType.String))
            return;
        foreach (var value in values)
        {
            ArgumentNullException.ThrowIfNull(value, nameof(values));
            if (value is Array inner)
                Check(inner, depth + 1);
        }
    }

    public static void Write(BinaryWriter writer, Array values)
    {
        var type = ElementType(values);
        writer.Write((uint)type);
        writer.Write((ulong)values.Length);
        foreach (var value in values)
            WriteElement(writer, value!);
    }

    private static GgufValueType ElementType(Array values)
    {
        var type = values.GetType().GetElementType()!;
        return type switch
        {
            _ when type == typeof(byte) => GgufValueType.UInt8,
            _ when type == typeof(sbyte) => GgufValueType.Int8,
            _ when type == typeof(ushort) => GgufValueType.UInt16,
            _ when type == typeof(short) => GgufValueType.Int16,
            _ when type == typeof(uint) => GgufValueType.UInt32,
            _ when type == typeof(int) => GgufValueType.Int32,
            _ when type == typeof(float) => GgufValueType.Float32,
            _ when type == typeof(bool) => GgufValueType.Boolean,
            _ when type == typeof(string) => GgufValueType.String,
            _ when type == typeof(ulong) => GgufValueType.UInt64,
            _ when type == typeof(long) => GgufValueType.Int64,
            _ when type == typeof(double) => GgufValueType.Float64,
            _ when typeof(Array).IsAssignableFrom(type) => GgufValueType.Array,
            _ => throw new ArgumentException($"a GGUF array can't hold {type.Name}", nameof(values)),
        };
    }

    private static void WriteElement(BinaryWriter writer, object value)
    {
        switch (value)
        {
            case byte number: writer.Write(number); break;
            case sbyte number: writer.Write(number); break;
            case ushort number: writer.Write(number); break;
            case short number: writer.Write(number); break;
            case uint number: writer.Write(number); break;
            case int number: writer.Write(number); break;
            case ulong number: writer.Write(number); break;
            case long number: writer.Write(number); break;
            case float number: writer.Write(number); break;
            case double number: writer.Write(number); break;
            case bool flag: writer.Write(flag); break;
            case string text: GgufWriter.WriteString(writer, text); break;
            case Array inner: Write(writer, inner); break;
        }
    }
}
