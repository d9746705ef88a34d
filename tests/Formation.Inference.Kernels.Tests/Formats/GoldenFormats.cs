using System.Runtime.InteropServices;
using System.Text.Json;
using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Kernels.Tests.Formats;

/// <summary>What ggml itself makes of each format; see Golden/README.md.</summary>
internal static class GoldenFormats
{
    private static readonly JsonElement Document =
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "formats.json"))).RootElement;

    internal static readonly float[] Weights = Floats(Document.GetProperty("weights"));

    internal static readonly IReadOnlyList<(uint Number, int Block, int Bytes)> Sizes =
    [
        .. Document.GetProperty("sizes").EnumerateArray()
            .Select(size => (
                size.GetProperty("number").GetUInt32(),
                size.GetProperty("block").GetInt32(),
                size.GetProperty("bytes").GetInt32())),
    ];

    internal static readonly IReadOnlyDictionary<TensorType, Row> Rows = Document.GetProperty("rows").EnumerateArray().ToDictionary(
        row => Enum.Parse<TensorType>(row.GetProperty("type").GetString()!),
        row => new Row(
            row.GetProperty("quantized").GetBytesFromBase64(),
            Floats(row.GetProperty("quantizedValues")),
            row.GetProperty("anyBytes").GetBytesFromBase64(),
            Floats(row.GetProperty("anyValues"))));

    private static float[] Floats(JsonElement element) => MemoryMarshal.Cast<byte, float>(element.GetBytesFromBase64()).ToArray();

    internal sealed record Row(byte[] Quantized, float[] QuantizedValues, byte[] AnyBytes, float[] AnyValues);
}
