using System.Buffers.Binary;

namespace Formation.Inference.Engine.Gguf;

/// <summary>Decodes single values from bytes that were checked to hold them.</summary>
internal static class GgufScalar
{
    /// <summary>An integer; a UInt64 above 2^63 - 1 comes out negative.</summary>
    public static long ReadInteger(GgufValueType type, ReadOnlySpan<byte> bytes) => type switch
    {
        GgufValueType.UInt8 => bytes[0],
        GgufValueType.Int8 => (sbyte)bytes[0],
        GgufValueType.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        GgufValueType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(bytes),
        GgufValueType.UInt32 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        GgufValueType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(bytes),
        GgufValueType.UInt64 or GgufValueType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(bytes),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not an integer type"),
    };

    public static double ReadNumber(GgufValueType type, ReadOnlySpan<byte> bytes) => type switch
    {
        GgufValueType.Float32 => BinaryPrimitives.ReadSingleLittleEndian(bytes),
        GgufValueType.Float64 => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not a floating-point type"),
    };

    /// <summary>Bytes that a value takes, its own length field included.</summary>
    public static int EncodedLength(GgufValueType type, ReadOnlySpan<byte> bytes)
    {
        if (type.Size > 0)
            return type.Size;
        if (type == GgufValueType.String)
            return sizeof(ulong) + (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        var elementType = (GgufValueType)BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        var count = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes[sizeof(uint)..]);
        var length = sizeof(uint) + sizeof(ulong);
        if (elementType.Size > 0)
            return length + (count * elementType.Size);
        for (var i = 0; i < count; i++)
            length += EncodedLength(elementType, bytes[length..]);
        return length;
    }
}
