using System.Globalization;

namespace Formation.Inference.Engine.Gguf;

/// <summary>What the reader takes and the writer makes. Real files stay far below; hostile ones stop here.</summary>
public static class GgufLimits
{
    public const uint OldestVersion = 2;
    public const uint NewestVersion = 3;

    public const int DefaultAlignment = 32;

    /// <summary>The format asks for a multiple of 8.</summary>
    public const int MinimumAlignment = 8;

    public const int MaximumAlignment = 1 << 20;

    /// <summary>Keys of one file.</summary>
    public const int MaximumKeys = 65_536;

    /// <summary>The format's own limit for a key, in bytes.</summary>
    public const int MaximumKeyLength = 65_535;

    /// <summary>Bytes of one string.</summary>
    public const int MaximumStringLength = 16 << 20;

    /// <summary>Bytes of everything before the tensors' data, for each part of a split file.</summary>
    public const int MaximumHeaderLength = 256 << 20;

    /// <summary>Arrays in arrays: an array of numbers has depth 1.</summary>
    public const int MaximumArrayDepth = 4;

    /// <summary>Tensors of one file.</summary>
    public const int MaximumTensors = 65_536;

    /// <summary>The format's own limit for a tensor's name, in bytes.</summary>
    public const int MaximumTensorNameLength = 64;

    public const int MaximumDimensions = 4;

    /// <summary>Values along one dimension.</summary>
    public const long MaximumDimension = int.MaxValue;

    /// <summary>Parts of a split file.</summary>
    public const int MaximumParts = 1_024;

    /// <summary>Fewest bytes of a key and its value: length, one character, type, one byte.</summary>
    internal const int MinimumKeyBytes = 8 + 1 + 4 + 1;

    /// <summary>Fewest bytes of a tensor's description: name length, one character, dimension count, one dimension, type, offset.</summary>
    internal const int MinimumTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;

    /// <summary>The most managed memory that opening a file allocates, whatever it holds, for each part (docs/formats/gguf.md).</summary>
    /// <param name="headerBytes">Bytes before the tensors' data; for a file that is refused, its length.</param>
    /// <param name="keys">Keys that the file can hold.</param>
    /// <param name="tensors">Tensors that the file can hold.</param>
    public static long AllocationBound(long headerBytes, long keys, long tensors) =>
        (2 * Math.Min(headerBytes, MaximumHeaderLength))
        + (384 * (Math.Min(keys, MaximumKeys) + Math.Min(tensors, MaximumTensors)))
        + (64 << 10);

    /// <summary>
    /// A name out of a file as it may stand in a message: shortened, and without characters that could forge a line of a log.
    /// </summary>
    internal static string Quote(string name)
    {
        const int longest = 80;
        var shown = name.Length <= longest ? name : string.Create(CultureInfo.InvariantCulture, $"{name.AsSpan(0, longest)}...");
        return $"'{string.Concat(shown.Select(character => char.IsControl(character) || char.IsSurrogate(character) ? '?' : character))}'";
    }
}
