using System.Text;
using System.Text.Unicode;

namespace Formation.Inference.Gateway.OpenAI.Answers;

/// <summary>A token's bytes as a JSON string. Bytes that are not whole characters are written as <c>\xNN</c>, as OpenAI does.</summary>
internal static class TokenText
{
    /// <summary>The lowest log-probability that is reported: JSON has no infinity.</summary>
    internal const float LowestLogprob = -9999;

    /// <param name="bytes">The token.</param>
    /// <param name="prefix">What stands before escaped bytes: <c>bytes:</c> in completions, nothing in chat.</param>
    internal static string Of(ReadOnlyMemory<byte> bytes, string prefix = "")
    {
        if (Utf8.IsValid(bytes.Span))
            return Encoding.UTF8.GetString(bytes.Span);
        var escaped = new StringBuilder(prefix);
        foreach (byte b in bytes.Span)
            escaped.Append(@"\x").Append(Convert.ToHexStringLower([b]));
        return escaped.ToString();
    }

    internal static float Logprob(float logprob) => float.IsNaN(logprob) ? LowestLogprob : Math.Max(logprob, LowestLogprob);
}
