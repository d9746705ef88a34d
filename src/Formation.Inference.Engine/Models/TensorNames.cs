using System.Globalization;

namespace Formation.Inference.Engine.Models;

/// <summary>The names that GGUF files give a decoder's tensors.</summary>
internal static class TensorNames
{
    public const string TokenEmbedding = "token_embd.weight";
    public const string OutputNorm = "output_norm.weight";
    public const string Output = "output.weight";
    public const string RotaryDivisors = "rope_freqs.weight";

    private const string LayerPrefix = "blk.";

    /// <summary>A tensor of a layer: <c>blk.3.attn_q.weight</c>.</summary>
    public static string OfLayer(int layer, string part, string kind = "weight") => $"{LayerPrefix}{layer}.{part}.{kind}";

    /// <summary>The layer that a tensor's name says it belongs to, or null.</summary>
    public static int? LayerOf(string name)
    {
        if (!name.StartsWith(LayerPrefix, StringComparison.Ordinal))
            return null;
        var rest = name.AsSpan(LayerPrefix.Length);
        var dot = rest.IndexOf('.');
        return dot > 0 && int.TryParse(rest[..dot], NumberStyles.None, CultureInfo.InvariantCulture, out var layer) ? layer : null;
    }
}
