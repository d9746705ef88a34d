using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>How bytes of strips are asked for before they are read.</summary>
internal static class StripPrefetch
{
    /// <summary>
    /// How far ahead: more than a core reads until the memory answers, less than its second-level cache holds. Measured: flat from 8 to
    /// 16 KiB, and formats that read a block in several places lose half their speed below.
    /// </summary>
    internal const int Bytes = 12 * 1024;
}

/// <summary>
/// Asks for the bytes of a block that comes later while one is unpacked, some with every step: many at once would fill the queue that the
/// loads need too.
/// </summary>
internal static unsafe class StripPrefetch<TFormat>
    where TFormat : struct, IIntegerFormat
{
    private static int Steps
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TFormat.BlockColumns / 4 / TFormat.Runs;
    }

    private static int LinesPerStep
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Strip.Outputs * TFormat.BlockBytes / Steps / Prefetch.LineBytes;
    }

    private static int BytesOfSteps
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Steps * LinesPerStep * Prefetch.LineBytes;
    }

    /// <summary>Asks for the bytes of a block that its steps don't ask for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Block(byte* block)
    {
        for (var line = block + BytesOfSteps; line < block + Strip.Outputs * TFormat.BlockBytes; line += Prefetch.LineBytes)
            Prefetch.Line(line);
    }

    /// <summary>Asks for a step's part of a block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Step(byte* block, nuint step)
    {
        var line = block + step * (nuint)(LinesPerStep * Prefetch.LineBytes);
        Prefetch.Line(line);
        if (LinesPerStep > 1)
            Prefetch.Line(line + Prefetch.LineBytes);
        if (LinesPerStep > 2)
            Prefetch.Line(line + 2 * Prefetch.LineBytes);
    }
}
