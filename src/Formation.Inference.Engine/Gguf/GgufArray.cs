using System.Buffers.Binary;
using System.Text;

namespace Formation.Inference.Engine.Gguf;

/// <summary>
/// An array of the metadata, kept as the file's own bytes (a vocabulary of 100,000 tokens is two allocations, not 100,000). It outlives the
/// file.
/// </summary>
public sealed class GgufArray
{
    private readonly ReadOnlyMemory<byte> _payload;
    private readonly int[]? _starts;
    private readonly string _key;

    /// <param name="payload">The elements as they are in the file, already checked.</param>
    /// <param name="starts">For strings and arrays, where each element's length or type lies, and the end.</param>
    internal GgufArray(string key, GgufValueType elementType, int count, ReadOnlyMemory<byte> payload, int[]? starts)
    {
        _key = key;
        ElementType = elementType;
        Count = count;
        _payload = payload;
        _starts = starts;
    }

    public GgufValueType ElementType { get; }

    public int Count { get; }

    /// <summary>A string's UTF-8 bytes.</summary>
    /// <exception cref="GgufException">These are not strings.</exception>
    public ReadOnlySpan<byte> Utf8(int index)
    {
        Require(ElementType == GgufValueType.String, "strings");
        return Element(index)[sizeof(ulong)..];
    }

    /// <summary>A string.</summary>
    /// <exception cref="GgufException">These are not strings.</exception>
    public string String(int index) => Encoding.UTF8.GetString(Utf8(index));

    /// <summary>An integer of any width.</summary>
    /// <exception cref="GgufException">These are not integers, or it is above 2^63 - 1.</exception>
    public long Integer(int index)
    {
        var value = IntegerBits(index);
        if (ElementType == GgufValueType.UInt64 && value < 0)
            throw new GgufException(GgufErrorKind.OutOfRange, -1, $"element {index} of {GgufLimits.Quote(_key)} is above {long.MaxValue}");
        return value;
    }

    /// <summary>An integer of any width; a UInt64 above 2^63 - 1 comes out negative.</summary>
    internal long IntegerBits(int index)
    {
        Require(ElementType.IsInteger, "integers");
        return GgufScalar.ReadInteger(ElementType, Element(index));
    }

    /// <summary>A floating-point number of either width.</summary>
    /// <exception cref="GgufException">These are not floating-point numbers.</exception>
    public double Number(int index)
    {
        Require(ElementType.IsFloatingPoint, "floating-point numbers");
        return GgufScalar.ReadNumber(ElementType, Element(index));
    }

    /// <exception cref="GgufException">These are not booleans.</exception>
    public bool Boolean(int index)
    {
        Require(ElementType == GgufValueType.Boolean, "booleans");
        return Element(index)[0] != 0;
    }

    /// <summary>The bytes of an array of UInt8 or Int8.</summary>
    /// <exception cref="GgufException">These are wider.</exception>
    public ReadOnlySpan<byte> Bytes()
    {
        Require(ElementType is GgufValueType.UInt8 or GgufValueType.Int8, "bytes");
        return _payload.Span;
    }

    /// <summary>An array in this array.</summary>
    /// <exception cref="GgufException">These are not arrays.</exception>
    public GgufArray Array(int index)
    {
        Require(ElementType == GgufValueType.Array, "arrays");
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        return FromBytes(_key, _payload[_starts![index].._starts[index + 1]]);
    }

    /// <summary>All integers as 32-bit ones.</summary>
    /// <exception cref="GgufException">
    /// These are not integers of 16 bits or more (for bytes: <see cref="Bytes"/>), or one does not fit.
    /// </exception>
    public int[] ToInt32s()
    {
        // Narrow elements are refused so that a conversion never takes more than twice the file's bytes.
        Require(ElementType.IsInteger && ElementType.Size >= 2, "integers of 16 to 64 bits");
        var values = new int[Count];
        for (var i = 0; i < values.Length; i++)
        {
            var value = Integer(i);
            if (value is < int.MinValue or > int.MaxValue)
                throw new GgufException(GgufErrorKind.OutOfRange, -1,
                    $"element {i} of {GgufLimits.Quote(_key)} is {value} and does not fit 32 bits");
            values[i] = (int)value;
        }
        return values;
    }

    /// <summary>All numbers as float32.</summary>
    /// <exception cref="GgufException">These are not floating-point numbers.</exception>
    public float[] ToSingles()
    {
        Require(ElementType.IsFloatingPoint, "floating-point numbers");
        var values = new float[Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)Number(i);
        return values;
    }

    /// <exception cref="GgufException">These are not booleans.</exception>
    public bool[] ToBooleans()
    {
        Require(ElementType == GgufValueType.Boolean, "booleans");
        var values = new bool[Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = _payload.Span[i] != 0;
        return values;
    }

    /// <summary>All strings; one allocation each, so look at single ones with <see cref="Utf8"/> where that will do.</summary>
    /// <exception cref="GgufException">These are not strings.</exception>
    public string[] ToStrings()
    {
        Require(ElementType == GgufValueType.String, "strings");
        var values = new string[Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = String(i);
        return values;
    }

    /// <summary>Makes an array from checked bytes that start at its element type.</summary>
    private static GgufArray FromBytes(string key, ReadOnlyMemory<byte> bytes)
    {
        var type = (GgufValueType)BinaryPrimitives.ReadUInt32LittleEndian(bytes.Span);
        var count = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes.Span[sizeof(uint)..]);
        var payload = bytes[(sizeof(uint) + sizeof(ulong))..];
        if (type.Size > 0)
            return new GgufArray(key, type, count, payload, null);
        var starts = new int[count + 1];
        for (var i = 0; i < count; i++)
            starts[i + 1] = starts[i] + GgufScalar.EncodedLength(type, payload.Span[starts[i]..]);
        return new GgufArray(key, type, count, payload, starts);
    }

    private ReadOnlySpan<byte> Element(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        return _starts is null
            ? _payload.Span.Slice(index * ElementType.Size, ElementType.Size)
            : _payload.Span[_starts[index].._starts[index + 1]];
    }

    private void Require(bool condition, string expected)
    {
        if (!condition)
            throw new GgufException(GgufErrorKind.WrongType, -1,
                $"{GgufLimits.Quote(_key)} is an array of {ElementType} and {expected} are needed");
    }
}
