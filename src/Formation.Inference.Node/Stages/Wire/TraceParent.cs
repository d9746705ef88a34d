using System.Diagnostics;
using System.Text;

namespace Formation.Inference.Node.Stages.Wire;

/// <summary>A span as the W3C's Trace Context names it, in version 00 alone: <c>00-</c> trace <c>-</c> span <c>-</c> flags.</summary>
internal static class TraceParent
{
    /// <summary>Characters, each one byte.</summary>
    public const int Length = 55;

    const int TraceStart = 3;
    const int SpanStart = 36;
    const int FlagsStart = 53;

    public static string Format(ActivityContext context) =>
        $"00-{context.TraceId}-{context.SpanId}-{(byte)context.TraceFlags:x2}";

    /// <summary>Reads a span from outside: every character must be the one that the standard allows there.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out ActivityContext context)
    {
        context = default;
        if (text.Length != Length || !text[..TraceStart].SequenceEqual("00-"u8) || text[SpanStart - 1] != '-' || text[FlagsStart - 1] != '-')
            return false;
        var trace = text[TraceStart..(SpanStart - 1)];
        var span = text[SpanStart..(FlagsStart - 1)];
        var flags = text[FlagsStart..];
        if (!IsId(trace) || !IsId(span) || !IsHexadecimal(flags))
            return false;
        context = new ActivityContext(
            ActivityTraceId.CreateFromUtf8String(trace),
            ActivitySpanId.CreateFromUtf8String(span),
            (ActivityTraceFlags)(Convert.FromHexString(Encoding.ASCII.GetString(flags))[0] & (byte)ActivityTraceFlags.Recorded),
            isRemote: true);
        return true;
    }

    // An id of zeros alone is none.
    static bool IsId(ReadOnlySpan<byte> text) => IsHexadecimal(text) && text.ContainsAnyExcept((byte)'0');

    static bool IsHexadecimal(ReadOnlySpan<byte> text) => !text.ContainsAnyExcept("0123456789abcdef"u8);
}
