using Formation.Inference.Engine.Gguf;
using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Engine.Tests.Gguf;

/// <summary>A file that must be refused.</summary>
/// <param name="Name">What is wrong with it.</param>
/// <param name="Kind">The error that names it.</param>
/// <param name="Message">Parts of the message: the value, the limit.</param>
/// <param name="Content">The file's first bytes.</param>
/// <param name="Length">Length of the file, filled up with a hole; 0 for no more than the content.</param>
internal sealed record MalformedGguf(string Name, GgufErrorKind Kind, string[] Message, RawGguf Content, long Length = 0)
{
    private const ulong Huge = ulong.MaxValue;
    private const long Sparse = 8L << 30;

    public static IEnumerable<MalformedGguf> All => [.. Headers, .. Keys, .. Values, .. Arrays, .. Alignments, .. Descriptions, .. Data];

    private static IEnumerable<MalformedGguf> Headers =>
    [
        new("an empty file", GgufErrorKind.Truncated, ["0 bytes"], new RawGguf()),
        new("three bytes", GgufErrorKind.Truncated, ["3 bytes"], new RawGguf().Bytes("GGU"u8)),
        new("another format", GgufErrorKind.NotGguf, ["0x04034b50", "GGUF"], new RawGguf().Bytes("PK"u8).U8(3).U8(4).Zeros(60)),
        new("the format before GGUF", GgufErrorKind.NotGguf, ["GGUF"], new RawGguf().Bytes("tjgg"u8).Zeros(60)),
        new("a big-endian magic", GgufErrorKind.BigEndian, ["big-endian"], new RawGguf().Bytes("FUGG"u8).Zeros(60)),
        new("a big-endian version", GgufErrorKind.BigEndian, ["big-endian"], RawGguf.With(version: 0x03000000)),
        new("version 0", GgufErrorKind.UnsupportedVersion, ["version 0", "2 and 3"], RawGguf.With(version: 0)),
        new("version 1", GgufErrorKind.UnsupportedVersion, ["version 1", "2 and 3"], RawGguf.With(version: 1)),
        new("version 4", GgufErrorKind.UnsupportedVersion, ["version 4", "2 and 3"], RawGguf.With(version: 4)),
        new("nothing after the magic", GgufErrorKind.Truncated, ["4 bytes needed", "0 left"], new RawGguf().Bytes("GGUF"u8)),
        new("nothing after the version", GgufErrorKind.Truncated, ["8 bytes needed"], new RawGguf().Bytes("GGUF"u8).U32(3)),
        new("half a key count", GgufErrorKind.Truncated, ["8 bytes needed", "4 left"], new RawGguf().Bytes("GGUF"u8).U32(3).U64(0).U32(0)),
        new("2^63 tensors", GgufErrorKind.Truncated, ["9223372036854775808 tensors", "33 bytes"], RawGguf.With(tensors: 1UL << 63)),
        new("2^64 - 1 keys", GgufErrorKind.Truncated, ["18446744073709551615 metadata keys", "14 bytes"], RawGguf.With(keys: Huge)),
        new("one tensor too many for the file", GgufErrorKind.Truncated, ["2 tensors"], RawGguf.With(tensors: 2).Zeros(50)),
        new("more tensors than any model", GgufErrorKind.LimitExceeded, ["65537 tensors", "65536"], RawGguf.With(tensors: 65_537), Sparse),
        new("more keys than any model", GgufErrorKind.LimitExceeded, ["65537 metadata keys", "65536"], RawGguf.With(keys: 65_537), Sparse),
    ];

    private static IEnumerable<MalformedGguf> Keys =>
    [
        new("an empty key", GgufErrorKind.InvalidKey, ["empty"], RawGguf.With(keys: 1).Text("").U32(0).U8(1).Zeros(8)),
        new("a key of 2^64 - 1 bytes", GgufErrorKind.Truncated, ["18446744073709551615 bytes"], RawGguf.With(keys: 1).U64(Huge).Zeros(20)),
        new("a key of 2^63 bytes", GgufErrorKind.Truncated, ["9223372036854775808 bytes"], RawGguf.With(keys: 1).U64(1UL << 63).Zeros(20)),
        new("a key longer than the format allows", GgufErrorKind.LimitExceeded, ["65536 bytes", "65535"],
            RawGguf.With(keys: 1).Text(new string('k', 65_536)).Zeros(20)),
        new("a key outside ASCII", GgufErrorKind.InvalidKey, ["printable ASCII"], RawGguf.With(keys: 1).Text("schlüssel").Zeros(20)),
        new("a key that is not UTF-8", GgufErrorKind.InvalidString, ["UTF-8"], RawGguf.With(keys: 1).Utf8([0x61, 0xff]).Zeros(20)),
        new("a key with a line break", GgufErrorKind.InvalidKey, ["printable ASCII"], RawGguf.With(keys: 1).Text("a\nb").Zeros(20)),
        new("a key that occurs twice", GgufErrorKind.DuplicateKey, ["'some.key'", "twice"],
            RawGguf.WithKey(GgufValueType.UInt8, keys: 2).U8(1).Text("some.key").U32(0).U8(2)),
        new("an end inside a key", GgufErrorKind.Truncated, ["8 bytes", "6 bytes are left"],
            RawGguf.With(keys: 1).U64(8).Bytes("some.k"u8)),
        new("an end before a value's type", GgufErrorKind.Truncated, ["'some.key'", "4 bytes needed"],
            RawGguf.With(keys: 1).Text("some.key")),
    ];

    private static IEnumerable<MalformedGguf> Values =>
    [
        new("a value type that does not exist", GgufErrorKind.InvalidValueType, ["13"], RawGguf.WithKey((GgufValueType)13).Zeros(8)),
        new("a value type of 2^32 - 1", GgufErrorKind.InvalidValueType, ["4294967295"],
            RawGguf.WithKey((GgufValueType)uint.MaxValue).Zeros(8)),
        new("half a number", GgufErrorKind.Truncated, ["8 bytes needed", "4 left"], RawGguf.WithKey(GgufValueType.UInt64).U32(1)),
        new("no boolean", GgufErrorKind.Truncated, ["1 bytes needed", "0 left"], RawGguf.WithKey(GgufValueType.Boolean)),
        new("a boolean of 2", GgufErrorKind.InvalidValue, ["2", "0 or 1"], RawGguf.WithKey(GgufValueType.Boolean).U8(2)),
        new("a string past the end", GgufErrorKind.Truncated, ["100 bytes", "3 bytes are left"],
            RawGguf.WithKey(GgufValueType.String).U64(100).Bytes("abc"u8)),
        new("a string of 2^64 - 1 bytes", GgufErrorKind.Truncated, ["18446744073709551615"],
            RawGguf.WithKey(GgufValueType.String).U64(Huge).Zeros(20)),
        new("a string of 5 GiB", GgufErrorKind.LimitExceeded, ["5368709120", "16777216"],
            RawGguf.WithKey(GgufValueType.String).U64(5UL << 30), Sparse),
        new("a string that is not UTF-8", GgufErrorKind.InvalidString, ["'some.key'", "UTF-8"],
            RawGguf.WithKey(GgufValueType.String).Utf8([0xc3, 0x28])),
        new("a string with half a surrogate pair", GgufErrorKind.InvalidString, ["UTF-8"],
            RawGguf.WithKey(GgufValueType.String).Utf8([0xed, 0xa0, 0x80])),
        new("a string with an overlong NUL", GgufErrorKind.InvalidString, ["UTF-8"],
            RawGguf.WithKey(GgufValueType.String).Utf8([0xc0, 0x80])),
    ];

    private static IEnumerable<MalformedGguf> Arrays =>
    [
        new("an element type that does not exist", GgufErrorKind.InvalidValueType, ["99"],
            RawGguf.WithArray((GgufValueType)99, 1).Zeros(8)),
        new("2^64 - 1 bytes in an array", GgufErrorKind.Truncated, ["18446744073709551615 elements"],
            RawGguf.WithArray(GgufValueType.UInt8, Huge).Zeros(8)),
        new("a count whose size in bytes overflows", GgufErrorKind.Truncated, ["2305843009213693952 elements", "8 bytes"],
            RawGguf.WithArray(GgufValueType.UInt64, 1UL << 61).Zeros(8)),
        new("more strings than bytes for their lengths", GgufErrorKind.Truncated, ["4 elements", "31 bytes are left"],
            RawGguf.WithArray(GgufValueType.String, 4).Zeros(31)),
        new("a string in an array past the end", GgufErrorKind.Truncated, ["9 bytes"],
            RawGguf.WithArray(GgufValueType.String, 2).Text("a").U64(9)),
        new("a string in an array that is not UTF-8", GgufErrorKind.InvalidString, ["UTF-8"],
            RawGguf.WithArray(GgufValueType.String, 2).Text("a").Utf8([0x80])),
        new("a boolean of 7 in an array", GgufErrorKind.InvalidValue, ["7", "0 or 1"],
            RawGguf.WithArray(GgufValueType.Boolean, 3).U8(0).U8(1).U8(7)),
        new("an end inside an array", GgufErrorKind.Truncated, ["3 elements", "11 bytes are left"],
            RawGguf.WithArray(GgufValueType.UInt32, 3).Zeros(11)),
        new("arrays nested five deep", GgufErrorKind.LimitExceeded, ["deeper than 4"],
            Nested(4).U32((uint)GgufValueType.UInt8).U64(1).U8(0)),
        new("arrays nested a thousand deep", GgufErrorKind.LimitExceeded, ["deeper than 4"], Nested(1000)),
        new("an inner array past the end", GgufErrorKind.Truncated, ["1000 elements"],
            RawGguf.WithArray(GgufValueType.Array, 1).U32((uint)GgufValueType.Float32).U64(1000).Zeros(16)),
        new("an inner element type that does not exist", GgufErrorKind.InvalidValueType, ["77"],
            RawGguf.WithArray(GgufValueType.Array, 1).U32(77).U64(0)),
        new("an array longer than any header", GgufErrorKind.LimitExceeded, ["1000000000 elements", "268435456"],
            RawGguf.WithArray(GgufValueType.UInt8, 1_000_000_000), Sparse),
        new("a billion strings", GgufErrorKind.LimitExceeded, ["1000000000 elements", "33554432"],
            RawGguf.WithArray(GgufValueType.String, 1_000_000_000), Sparse),
    ];

    private static IEnumerable<MalformedGguf> Alignments =>
    [
        new("an alignment of 0", GgufErrorKind.InvalidAlignment, ["0 as UInt32", "power of two"], RawGguf.WithAlignment(0)),
        new("an alignment of 24", GgufErrorKind.InvalidAlignment, ["24 as UInt32", "power of two"], RawGguf.WithAlignment(24)),
        new("an alignment of 4", GgufErrorKind.InvalidAlignment, ["4 as UInt32", "from 8"], RawGguf.WithAlignment(4)),
        new("an alignment of 2^31", GgufErrorKind.InvalidAlignment, ["2147483648", "1048576"], RawGguf.WithAlignment(1U << 31)),
        new("an alignment of 64 bits", GgufErrorKind.InvalidAlignment, ["32 as UInt64"],
            RawGguf.With(keys: 1).Text("general.alignment").U32((uint)GgufValueType.UInt64).U64(32)),
        new("an alignment that is a string", GgufErrorKind.InvalidAlignment, ["String"],
            RawGguf.With(keys: 1).Text("general.alignment").U32((uint)GgufValueType.String).Text("32")),
    ];

    private static IEnumerable<MalformedGguf> Descriptions =>
    [
        new("a tensor without a name", GgufErrorKind.InvalidTensorName, ["tensor 0", "empty"], OneTensor("")),
        new("a tensor's name of 65 bytes", GgufErrorKind.LimitExceeded, ["65 bytes", "64"], OneTensor(new string('t', 65))),
        new("a tensor's name with a control character", GgufErrorKind.InvalidTensorName, ["printable"], OneTensor("a\tb")),
        new("a tensor's name that is not UTF-8", GgufErrorKind.InvalidString, ["UTF-8"], RawGguf.With(tensors: 1).Utf8([0xfe]).Zeros(40)),
        new("two tensors of one name", GgufErrorKind.DuplicateTensor, ["'t'", "twice"],
            RawGguf.With(tensors: 2).Tensor("t").Tensor("t", offset: 32).PadTo(32).Zeros(64)),
        new("a tensor of no dimensions", GgufErrorKind.InvalidShape, ["0 dimensions", "1 to 4"],
            RawGguf.With(tensors: 1).Text("t").U32(0).U32(0).U64(0).Zeros(64)),
        new("a tensor of five dimensions", GgufErrorKind.InvalidShape, ["5 dimensions", "1 to 4"],
            OneTensor("t", dimensions: [1, 1, 1, 1, 1])),
        new("a tensor of 2^32 - 1 dimensions", GgufErrorKind.InvalidShape, ["4294967295 dimensions"],
            RawGguf.With(tensors: 1).Text("t").U32(uint.MaxValue).Zeros(64)),
        new("a dimension of 0", GgufErrorKind.InvalidShape, ["dimension 1 is 0"], OneTensor("t", dimensions: [8, 0])),
        new("a dimension of 2^63", GgufErrorKind.InvalidShape, ["9223372036854775808", "2147483647"],
            OneTensor("t", dimensions: [1UL << 63])),
        new("a dimension of 2^31", GgufErrorKind.InvalidShape, ["2147483648", "2147483647"], OneTensor("t", dimensions: [1UL << 31])),
        new("a shape whose product overflows", GgufErrorKind.InvalidShape, ["2147483647 x 2147483647 x 4", "64 bits"],
            OneTensor("t", dimensions: [int.MaxValue, int.MaxValue, 4])),
        new("a shape that wraps to a small product", GgufErrorKind.InvalidShape, ["64 bits"],
            OneTensor("t", dimensions: [1UL << 30, 1UL << 30, 1UL << 4])),
        new("a shape whose bytes overflow", GgufErrorKind.InvalidShape, ["64 bits"],
            OneTensor("t", dimensions: [int.MaxValue, int.MaxValue])),
        new("a row of 33 values in blocks of 32", GgufErrorKind.InvalidShape, ["33", "Q4_0", "32"],
            OneTensor("t", TensorType.Q4_0, dimensions: [33, 2])),
        new("a row of 128 values in blocks of 256", GgufErrorKind.InvalidShape, ["128", "Q4_K", "256"],
            OneTensor("t", TensorType.Q4_K, dimensions: [128, 2])),
        new("a tensor type that was removed", GgufErrorKind.UnknownTensorType, ["4 is not a tensor type"], OneTensor("t", (TensorType)4)),
        new("a repacked tensor type that was removed", GgufErrorKind.UnknownTensorType, ["31 is not"], OneTensor("t", (TensorType)31)),
        new("a tensor type of 2^32 - 1", GgufErrorKind.UnknownTensorType, ["4294967295"], OneTensor("t", (TensorType)uint.MaxValue)),
        new("an end inside a description", GgufErrorKind.Truncated, ["8 bytes needed", "2 left"],
            RawGguf.With(tensors: 1).Text("t").U32(1).U64(8).U32(0).Zeros(2)),
    ];

    private static IEnumerable<MalformedGguf> Data =>
    [
        new("an offset between two alignments", GgufErrorKind.MisalignedTensor, ["8", "32"], OneTensor("t", offset: 8)),
        new("an offset past the end", GgufErrorKind.TensorOutOfFile, ["1048576", "256 bytes of data"], OneTensor("t", offset: 1 << 20)),
        new("an offset just before 2^64", GgufErrorKind.TensorOutOfFile, ["18446744073709551584"], OneTensor("t", offset: Huge - 31)),
        new("an offset of 2^63", GgufErrorKind.TensorOutOfFile, ["9223372036854775808"], OneTensor("t", offset: 1UL << 63)),
        new("data longer than the file", GgufErrorKind.TensorOutOfFile, ["260 bytes", "256 bytes of data"],
            OneTensor("t", dimensions: [65])),
        new("data cut off by a byte", GgufErrorKind.TensorOutOfFile, ["32 bytes", "31 bytes of data"],
            RawGguf.With(tensors: 1).Tensor("t").PadTo(32).Zeros(31)),
        new("no data at all", GgufErrorKind.TensorOutOfFile, ["0 bytes of data"], RawGguf.With(tensors: 1).Tensor("t")),
        new("two tensors at one place", GgufErrorKind.OverlappingTensors, ["'a'", "offset 0"],
            RawGguf.With(tensors: 2).Tensor("a").Tensor("b").PadTo(32).Zeros(64)),
        new("a tensor that reaches into the next", GgufErrorKind.OverlappingTensors, ["'b'", "'a'"],
            RawGguf.With(tensors: 2).Tensor("b", offset: 32).Tensor("a", dimensions: [9]).PadTo(32).Zeros(64)),
    ];

    public override string ToString() => Name;

    /// <summary>A file with one tensor and 256 bytes of data.</summary>
    private static RawGguf OneTensor(string name, TensorType type = TensorType.F32, ulong offset = 0, params ulong[] dimensions) =>
        RawGguf.With(tensors: 1).Tensor(name, type, offset, dimensions).PadTo(32).Zeros(256);

    /// <summary>An array of one array of one array, and so on, without the innermost.</summary>
    private static RawGguf Nested(int depth)
    {
        var content = RawGguf.WithKey(GgufValueType.Array);
        for (var i = 0; i < depth; i++)
            content.U32((uint)GgufValueType.Array).U64(1);
        return content;
    }
}
