using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace Formation.Inference.Node.Heads.Wire;

/// <summary>
/// Reads a message in the wire format of Protocol Buffers, field by field, where it lies. Each value is checked before anything is made of
/// it; fields that the caller does not know are passed over by the next call of <see cref="Next"/>.
/// </summary>
ref struct MessageReader(ReadOnlySpan<byte> message)
{
    static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    ReadOnlySpan<byte> _rest = message;
    WireType _type;
    bool _isPending;

    /// <summary>Goes to the next field, over the value of the last one where nobody took it.</summary>
    /// <returns>False at the end.</returns>
    public bool Next(out int field)
    {
        if (_isPending)
            Skip();
        field = 0;
        if (_rest.IsEmpty)
            return false;
        var tag = Varint();
        _type = (WireType)(tag & 7);
        Require(tag >> 3 is > 0 and < 1 << 29, "a field has no number");
        Require(_type is WireType.Varint or WireType.Fixed64 or WireType.Bytes or WireType.Fixed32, "a field is of an unknown wire type");
        field = (int)(tag >> 3);
        _isPending = true;
        return true;
    }

    public long Int64()
    {
        Take(WireType.Varint);
        return (long)Varint();
    }

    /// <summary>A number with both its limits.</summary>
    public int Int32(string name, int least, int most)
    {
        var value = Int64();
        return value >= least && value <= most ? (int)value : throw Fault($"{name} is {value} and must be from {least} to {most}");
    }

    public bool Flag() => Int64() != 0;

    /// <summary>A finite number with both its limits.</summary>
    public float Single(string name, float least, float most)
    {
        var value = Single();
        return value >= least && value <= most ? value : throw Fault($"{name} is out of range");
    }

    /// <summary>Any number, also one that is not finite.</summary>
    public float Single()
    {
        Take(WireType.Fixed32);
        Require(_rest.Length >= sizeof(float), "it ends in the middle of a number");
        var value = BinaryPrimitives.ReadSingleLittleEndian(_rest);
        _rest = _rest[sizeof(float)..];
        return value;
    }

    public ReadOnlySpan<byte> Bytes()
    {
        Take(WireType.Bytes);
        return TakeBytes();
    }

    public MessageReader Message() => new(Bytes());

    /// <param name="name">What it is, for the fault.</param>
    /// <param name="most">Bytes that it may have.</param>
    public string Text(string name, int most = int.MaxValue)
    {
        var bytes = Bytes();
        if (bytes.Length > most)
            throw Fault($"{name} has {bytes.Length} bytes; the limit is {most}");
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw Fault($"{name} is not UTF-8");
        }
    }

    public JsonElement Json(string name)
    {
        // Copied, because the parsed document goes on reading from its text.
        var text = Bytes().ToArray();
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = GenerationProtocol.MaxJsonDepth });
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            // The exception tells where and of what, which is the user's text.
            throw Fault($"{name} is not JSON, or too deep");
        }
    }

    /// <summary>Packed numbers, appended to those that came before.</summary>
    public void Numbers(string name, int least, int most, int mostCount, List<int> values)
    {
        var packed = new MessageReader(Bytes());
        while (!packed._rest.IsEmpty)
        {
            if (values.Count >= mostCount)
                throw Fault($"{name} has more than {mostCount} values");
            var value = (long)packed.Varint();
            values.Add(value >= least && value <= most ? (int)value : throw Fault($"{name} has {value} and must be from {least} to {most}"));
        }
    }

    void Skip()
    {
        _isPending = false;
        switch (_type)
        {
            case WireType.Varint:
                Varint();
                break;
            case WireType.Bytes:
                TakeBytes();
                break;
            default:
                var length = _type == WireType.Fixed64 ? sizeof(long) : sizeof(int);
                Require(_rest.Length >= length, "it ends in the middle of a number");
                _rest = _rest[length..];
                break;
        }
    }

    void Take(WireType type)
    {
        Require(_isPending && _type == type, "a field is not of its wire type");
        _isPending = false;
    }

    ReadOnlySpan<byte> TakeBytes()
    {
        var length = Varint();
        Require(length <= (ulong)_rest.Length, "a field is longer than its message");
        var taken = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return taken;
    }

    ulong Varint()
    {
        var value = 0UL;
        for (var i = 0; i < _rest.Length && i < 10; i++)
        {
            value |= (ulong)(_rest[i] & 0x7F) << (7 * i);
            if (_rest[i] > 0x7F)
                continue;
            Require(i < 9 || _rest[i] <= 1, "a number is longer than 64 bits");
            _rest = _rest[(i + 1)..];
            return value;
        }

        throw Fault("it ends in the middle of a number");
    }

    static void Require(bool condition, string fault)
    {
        if (!condition)
            throw Fault(fault);
    }

    static GenerationProtocolException Fault(string reason) => new($"a message can't be read: {reason}");
}
