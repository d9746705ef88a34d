namespace Formation.Inference.Engine.Gguf;

/// <summary>
/// The keys and values of a GGUF file. A value is checked when it is asked for: right type, right range, or one clear error.
/// </summary>
public sealed class GgufMetadata
{
    private readonly Dictionary<string, GgufValue> _values;
    private readonly List<string> _keys;
    private readonly string _fileName;

    internal GgufMetadata(string fileName, int capacity)
    {
        _fileName = fileName;
        _values = new Dictionary<string, GgufValue>(capacity, StringComparer.Ordinal);
        _keys = new List<string>(capacity);
    }

    /// <summary>All keys, in the file's order.</summary>
    public IReadOnlyList<string> Keys => _keys;

    public bool Contains(string key) => _values.ContainsKey(key);

    /// <summary>How a value is stored, or null where the key is absent.</summary>
    public GgufValueType? TypeOf(string key) => _values.TryGetValue(key, out var value) ? value.Type : null;

    /// <summary>A string, or null where the key is absent.</summary>
    /// <exception cref="GgufException">The value is no string.</exception>
    public string? FindString(string key) =>
        Find(key, type => type == GgufValueType.String, "a string") is { } value ? (string)value.Content! : null;

    public string GetString(string key, string defaultValue) => FindString(key) ?? defaultValue;

    /// <exception cref="GgufException">The key is absent, or the value is no string.</exception>
    public string RequireString(string key) => FindString(key) ?? throw Missing(key);

    /// <summary>An integer of any width, or null where the key is absent.</summary>
    /// <exception cref="GgufException">The value is no integer, or outside the range.</exception>
    public long? FindInteger(string key, long minimum = long.MinValue, long maximum = long.MaxValue)
    {
        if (Find(key, type => type.IsInteger, "an integer") is not { } value)
            return null;
        if (value.Type == GgufValueType.UInt64 && value.Bits < 0)
            throw Fail(GgufErrorKind.OutOfRange, key, value, $"is {(ulong)value.Bits} and must be at most {maximum}");
        if (value.Bits < minimum || value.Bits > maximum)
            throw Fail(GgufErrorKind.OutOfRange, key, value, $"is {value.Bits} and must be from {minimum} to {maximum}");
        return value.Bits;
    }

    /// <summary>
    /// An integer from <paramref name="minimum"/> to <paramref name="maximum"/>; the default counts where the key is absent.
    /// </summary>
    /// <exception cref="GgufException">The value is no integer, or outside the range.</exception>
    public int GetInt32(string key, int defaultValue, int minimum = 0, int maximum = int.MaxValue) =>
        (int?)FindInteger(key, minimum, maximum) ?? defaultValue;

    /// <summary>An integer from <paramref name="minimum"/> to <paramref name="maximum"/>.</summary>
    /// <exception cref="GgufException">The key is absent, or the value is no integer, or outside the range.</exception>
    public int RequireInt32(string key, int minimum = 0, int maximum = int.MaxValue) =>
        (int?)FindInteger(key, minimum, maximum) ?? throw Missing(key);

    /// <summary>A finite floating-point number of either width, or null where the key is absent.</summary>
    /// <exception cref="GgufException">The value is no floating-point number, or not finite as float32.</exception>
    public float? FindSingle(string key)
    {
        if (Find(key, type => type.IsFloatingPoint, "a floating-point number") is not { } value)
            return null;
        var number = (float)BitConverter.Int64BitsToDouble(value.Bits);
        return float.IsFinite(number) ? number : throw Fail(GgufErrorKind.OutOfRange, key, value, $"is {number} and must be finite");
    }

    public float GetSingle(string key, float defaultValue) => FindSingle(key) ?? defaultValue;

    /// <exception cref="GgufException">The key is absent, or the value is no floating-point number, or not finite.</exception>
    public float RequireSingle(string key) => FindSingle(key) ?? throw Missing(key);

    /// <summary>A boolean, or null where the key is absent.</summary>
    /// <exception cref="GgufException">The value is no boolean.</exception>
    public bool? FindBoolean(string key) =>
        Find(key, type => type == GgufValueType.Boolean, "a boolean") is { } value ? value.Bits != 0 : null;

    public bool GetBoolean(string key, bool defaultValue) => FindBoolean(key) ?? defaultValue;

    /// <exception cref="GgufException">The key is absent, or the value is no boolean.</exception>
    public bool RequireBoolean(string key) => FindBoolean(key) ?? throw Missing(key);

    /// <summary>An array, or null where the key is absent.</summary>
    /// <exception cref="GgufException">The value is no array.</exception>
    public GgufArray? FindArray(string key) =>
        Find(key, type => type == GgufValueType.Array, "an array") is { } value ? (GgufArray)value.Content! : null;

    /// <exception cref="GgufException">The key is absent, or the value is no array.</exception>
    public GgufArray RequireArray(string key) => FindArray(key) ?? throw Missing(key);

    /// <summary>An array of strings, or null where the key is absent.</summary>
    /// <exception cref="GgufException">The value is no array of strings.</exception>
    public GgufArray? FindStrings(string key)
    {
        var array = FindArray(key);
        return array is null || array.ElementType == GgufValueType.String
            ? array
            : throw Fail(GgufErrorKind.WrongType, key, _values[key], $"is an array of {array.ElementType} and must be one of strings");
    }

    /// <exception cref="GgufException">The key is absent, or the value is no array of strings.</exception>
    public GgufArray RequireStrings(string key) => FindStrings(key) ?? throw Missing(key);

    /// <summary>An array of integers, or null where the key is absent.</summary>
    /// <exception cref="GgufException">The value is no array of integers that fit 32 bits.</exception>
    public int[]? FindInt32s(string key) => FindArray(key)?.ToInt32s();

    /// <summary>An array of floating-point numbers, or null where the key is absent.</summary>
    /// <exception cref="GgufException">The value is no array of floating-point numbers.</exception>
    public float[]? FindSingles(string key) => FindArray(key)?.ToSingles();

    /// <summary>An array of booleans, or null where the key is absent.</summary>
    /// <exception cref="GgufException">The value is no array of booleans.</exception>
    public bool[]? FindBooleans(string key) => FindArray(key)?.ToBooleans();

    /// <summary>Adds a value that was read.</summary>
    internal bool TryAdd(string key, GgufValue value)
    {
        if (!_values.TryAdd(key, value))
            return false;
        _keys.Add(key);
        return true;
    }

    /// <summary>The value of a key that is there.</summary>
    internal GgufValue this[string key] => _values[key];

    private GgufValue? Find(string key, Func<GgufValueType, bool> accepts, string expected)
    {
        if (!_values.TryGetValue(key, out var value))
            return null;
        return accepts(value.Type) ? value : throw Fail(GgufErrorKind.WrongType, key, value,
            $"is stored as {value.Type} and must be {expected}");
    }

    private GgufException Missing(string key) =>
        new(GgufErrorKind.MissingKey, -1, $"{_fileName}: the metadata lack {GgufLimits.Quote(key)}, which this model needs");

    private GgufException Fail(GgufErrorKind kind, string key, GgufValue value, string message) =>
        new(kind, value.Offset, $"{_fileName}: {GgufLimits.Quote(key)} {message} (at byte {value.Offset})");
}

/// <summary>A metadata value.</summary>
/// <param name="Type">How it is stored.</param>
/// <param name="Bits">An integer, a boolean as 0 or 1, or the bits of a number as a double.</param>
/// <param name="Content">A string or a <see cref="GgufArray"/>.</param>
/// <param name="Offset">Byte in the file at which it lies.</param>
internal readonly record struct GgufValue(GgufValueType Type, long Bits, object? Content, long Offset);
