using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>Unpacks neighbouring blocks of a strip into a panel.</summary>
internal static unsafe class PanelUnpacker
{
    // Far enough for the memory to answer in time, near enough for the first-level cache to keep it: measured.
    private const int PrefetchBytes = 2048;

    private const int CacheLine = 64;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Integers<TFormat, TQuads, TFloats>(byte* strip, int blocks, in IntegerPanel panel)
        where TFormat : struct, IIntegerFormat
        where TQuads : struct, IQuads<TQuads>
        where TFloats : struct, IFloats<TFloats>
    {
        for (var block = 0; block < blocks; block++, strip += Strip.Outputs * TFormat.BlockBytes)
        {
            Prefetch(strip + PrefetchBytes, Strip.Outputs * TFormat.BlockBytes);
            TFormat.Unpack<TQuads, TFloats>(strip, panel.From(block));
        }
    }

    /// <summary>The definition.</summary>
    internal static void Integers<TFormat>(byte* strip, int blocks, in IntegerPanel panel)
        where TFormat : struct, IIntegerFormat
    {
        var stored = stackalloc byte[TFormat.BlockBytes];
        for (var block = 0; block < blocks; block++, strip += Strip.Outputs * TFormat.BlockBytes)
        {
            for (var output = 0; output < Strip.Outputs; output++)
            {
                Strip.UnpackBlock(TFormat.Fields, strip, output, stored);
                TFormat.Unpack(stored, new PanelColumn(panel.From(block), output));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Floats<TFormat, TFloats>(byte* strip, int columns, float* panel)
        where TFormat : struct, IFloatFormat
        where TFloats : struct, IFloats<TFloats>
    {
        var width = TFormat.BlockBytes;
        for (var column = 0; column < columns; column++, panel += FloatPanel.Outputs, strip += Strip.Outputs * width)
        {
            if (column % 2 == 0)
                Prefetch(strip + PrefetchBytes, 2 * Strip.Outputs * width);
            for (var i = 0; i < Strip.Outputs; i += TFloats.Count)
                TFormat.Load<TFloats>(strip + i * width).Store(panel + i);
        }
    }

    /// <summary>The definition.</summary>
    internal static void Floats<TFormat>(byte* strip, int columns, float* panel)
        where TFormat : struct, IFloatFormat
    {
        var width = TFormat.BlockBytes;
        for (var column = 0; column < columns; column++, panel += FloatPanel.Outputs, strip += Strip.Outputs * width)
        {
            for (var output = 0; output < Strip.Outputs; output++)
                panel[output] = TFormat.Unpack(strip + output * width);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* ahead, int bytes)
    {
        if (!Sse.IsSupported)
            return;
        for (var i = 0; i < bytes; i += CacheLine)
            Sse.Prefetch0(ahead + i);
    }
}
