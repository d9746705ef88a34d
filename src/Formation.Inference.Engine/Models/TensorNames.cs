namespace Formation.Inference.Engine.Models;

/// <summary>The names that GGUF files give a decoder's tensors.</summary>
internal static class TensorNames
{
    public const string TokenEmbedding = "token_embd.weight";
    public const string OutputNorm = "output_norm.weight";
    public const string Output = "output.weight";
    public const string RotaryDivisors = "rope_freqs.weight";

    /// <summary>A tensor of a layer: <c>blk.3.attn_q.weight</c>.</summary>
    public static string OfLayer(int layer, string part, string kind = "weight") => $"blk.{layer}.{part}.{kind}";
}
