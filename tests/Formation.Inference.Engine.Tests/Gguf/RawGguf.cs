using System.Text;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Engine.Tests.Gguf;

/// <summary>Writes the bytes of a GGUF file with no check at all, so that every rule of the format can be broken.</summary>
internal sealed class RawGguf
{
    private readonly MemoryStream _bytes = new();

    /// <summary>A header that promises the given numbers.</summary>
    public static RawGguf With(ulong tensors = 0, ulong keys = 0, uint version = 3) =>
        new RawGguf().Bytes("GGUF"u8).U32(version).U64(tensors).U64(keys);

    /// <summary>One key without a value.</summary>
    public static RawGguf WithKey(GgufValueType type, ulong keys = 1) => With(keys: keys).Text("some.key").U32((uint)type);

    /// <summary>One array without elements.</summary>
    public static RawGguf WithArray(GgufValueType elementType, ulong count) =>
        WithKey(GgufValueType.Array).U32((uint)elementType).U64(count);

    /// <summary>An alignment and a small tensor with data.</summary>
    public static RawGguf WithAlignment(uint alignment) =>
        With(tensors: 1, keys: 1).Text("general.alignment").U32((uint)GgufValueType.UInt32).U32(alignment)
            .Tensor("t").PadTo(128).Zeros(128);

    public RawGguf U8(byte value) => Bytes([value]);

    public RawGguf U32(uint value) => Bytes(BitConverter.GetBytes(value));

    public RawGguf U64(ulong value) => Bytes(BitConverter.GetBytes(value));

    public RawGguf Text(string value) => Utf8(Encoding.UTF8.GetBytes(value));

    /// <summary>A string of any bytes.</summary>
    public RawGguf Utf8(ReadOnlySpan<byte> value) => U64((ulong)value.Length).Bytes(value);

    /// <summary>A tensor's description.</summary>
    public RawGguf Tensor(string name, TensorType type = TensorType.F32, ulong offset = 0, params ulong[] dimensions)
    {
        if (dimensions.Length == 0)
            dimensions = [8];
        Text(name).U32((uint)dimensions.Length);
        foreach (var dimension in dimensions)
            U64(dimension);
        return U32((uint)type).U64(offset);
    }

    public RawGguf Zeros(int count) => Bytes(new byte[count]);

    /// <summary>Zeros up to the next multiple.</summary>
    public RawGguf PadTo(int multiple) => Zeros((int)((multiple - (_bytes.Length % multiple)) % multiple));

    public RawGguf Bytes(ReadOnlySpan<byte> bytes)
    {
        _bytes.Write(bytes);
        return this;
    }

    public byte[] ToArray() => _bytes.ToArray();
}
