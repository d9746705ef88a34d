namespace Formation.Inference.Engine.Gguf;

/// <summary>How a metadata value is stored. The numbers are the format's.</summary>
public enum GgufValueType : uint
{
    UInt8 = 0,
    Int8 = 1,
    UInt16 = 2,
    Int16 = 3,
    UInt32 = 4,
    Int32 = 5,
    Float32 = 6,
    Boolean = 7,
    String = 8,
    Array = 9,
    UInt64 = 10,
    Int64 = 11,
    Float64 = 12,
}

/// <summary>Facts of <see cref="GgufValueType"/>.</summary>
internal static class GgufValueTypeFacts
{
    extension(GgufValueType type)
    {
        /// <summary>Bytes of a value, or 0 where they vary (strings, arrays) or the number is no type of the format.</summary>
        public int Size => type switch
        {
            GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Boolean => 1,
            GgufValueType.UInt16 or GgufValueType.Int16 => 2,
            GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
            GgufValueType.UInt64 or GgufValueType.Int64 or GgufValueType.Float64 => 8,
            _ => 0,
        };

        /// <summary>The fewest bytes that a value takes in a file.</summary>
        public int MinimumSize => type switch
        {
            GgufValueType.String => sizeof(ulong),
            GgufValueType.Array => sizeof(uint) + sizeof(ulong),
            _ => type.Size,
        };

        public bool IsKnown => type <= GgufValueType.Float64;

        public bool IsInteger => type is <= GgufValueType.Int32 or GgufValueType.UInt64 or GgufValueType.Int64;

        public bool IsFloatingPoint => type is GgufValueType.Float32 or GgufValueType.Float64;
    }
}
