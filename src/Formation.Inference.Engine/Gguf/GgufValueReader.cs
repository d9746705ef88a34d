namespace Formation.Inference.Engine.Gguf;

/// <summary>Reads and checks metadata values.</summary>
internal sealed class GgufValueReader(GgufCursor cursor)
{
    /// <summary>Reads a type and a value of it.</summary>
    public GgufValue Read(string key)
    {
        var typeStart = cursor.Position;
        var type = ReadType(typeStart);
        var start = cursor.Position;
        return type switch
        {
            GgufValueType.String => new GgufValue(type, 0, cursor.ReadString(GgufLimits.MaximumStringLength, "a string"), start),
            GgufValueType.Array => new GgufValue(type, 0, ReadArray(key), start),
            GgufValueType.Boolean => new GgufValue(type, ReadBoolean(), null, start),
            _ when type.IsInteger => new GgufValue(type, GgufScalar.ReadInteger(type, cursor.Take(type.Size)), null, start),
            _ => new GgufValue(type, BitConverter.DoubleToInt64Bits(GgufScalar.ReadNumber(type, cursor.Take(type.Size))), null, start),
        };
    }

    private GgufArray ReadArray(string key)
    {
        var (type, count) = ReadArrayHead(depth: 1);
        var start = cursor.Position;
        var starts = type.Size > 0 ? null : new int[count + 1];
        CheckElements(type, count, depth: 1, starts);
        return new GgufArray(key, type, count, cursor.Passed(start).ToArray(), starts);
    }

    private (GgufValueType Type, int Count) ReadArrayHead(int depth)
    {
        var typeStart = cursor.Position;
        if (depth > GgufLimits.MaximumArrayDepth)
            throw cursor.Fail(GgufErrorKind.LimitExceeded, typeStart, $"arrays are nested deeper than {GgufLimits.MaximumArrayDepth}");
        var type = ReadType(typeStart);
        return (type, cursor.ReadCount(type.MinimumSize, GgufLimits.MaximumHeaderLength / type.MinimumSize, "elements"));
    }

    private void CheckElements(GgufValueType type, int count, int depth, int[]? starts)
    {
        var start = cursor.Position;
        if (type.Size > 0)
        {
            cursor.Skip((long)count * type.Size, "an array");
            if (type == GgufValueType.Boolean && cursor.Passed(start).IndexOfAnyExceptInRange((byte)0, (byte)1) is >= 0 and var index)
                throw InvalidBoolean(start + index, cursor.Passed(start)[index]);
            return;
        }
        for (var i = 0; i < count; i++)
        {
            if (type == GgufValueType.String)
            {
                cursor.ReadUtf8(GgufLimits.MaximumStringLength, "a string in an array");
            }
            else
            {
                var (innerType, innerCount) = ReadArrayHead(depth + 1);
                CheckElements(innerType, innerCount, depth + 1, null);
            }
            if (starts is not null)
                starts[i + 1] = (int)(cursor.Position - start);
        }
    }

    private GgufValueType ReadType(long start)
    {
        var type = (GgufValueType)cursor.ReadUInt32();
        return type.IsKnown ? type : throw cursor.Fail(GgufErrorKind.InvalidValueType, start,
            $"{(uint)type} is not a value type of the format");
    }

    private long ReadBoolean()
    {
        var start = cursor.Position;
        var value = cursor.ReadByte();
        return value <= 1 ? value : throw InvalidBoolean(start, value);
    }

    private GgufException InvalidBoolean(long start, byte value) =>
        cursor.Fail(GgufErrorKind.InvalidValue, start, $"a boolean is {value} and must be 0 or 1");
}
