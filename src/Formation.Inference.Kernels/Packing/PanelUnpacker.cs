using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>Unpacks neighbouring blocks of a strip into a panel.</summary>
internal static unsafe class PanelUnpacker
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Integers<TFormat, TQuads, TFloats>(byte* strip, int blocks, in IntegerPanel panel)
        where TFormat : struct, IIntegerFormat
        where TQuads : struct, IQuads<TQuads>
        where TFloats : struct, IFloats<TFloats>
    {
        for (var block = 0; block < blocks; block++, strip += Strip.BlockBytes(TFormat.Fields))
            TFormat.Unpack<TQuads, TFloats>(strip, panel.From(block));
    }

    /// <summary>The definition.</summary>
    internal static void Integers<TFormat>(byte* strip, int blocks, in IntegerPanel panel)
        where TFormat : struct, IIntegerFormat
    {
        var stripBlock = Strip.BlockBytes(TFormat.Fields);
        var stored = stackalloc byte[stripBlock / Strip.Outputs];
        for (var block = 0; block < blocks; block++, strip += stripBlock)
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
        var width = Strip.BlockBytes(TFormat.Fields) / Strip.Outputs;
        for (var column = 0; column < columns; column++, panel += FloatPanel.Outputs, strip += Strip.Outputs * width)
        {
            if (column % 4 == 0 && System.Runtime.Intrinsics.X86.Sse.IsSupported)
                System.Runtime.Intrinsics.X86.Sse.Prefetch0(strip + Unpacking.PrefetchBytes);
            for (var i = 0; i < Strip.Outputs; i += TFloats.Count)
                TFormat.Load<TFloats>(strip + i * width).Store(panel + i);
        }
    }

    /// <summary>The definition.</summary>
    internal static void Floats<TFormat>(byte* strip, int columns, float* panel)
        where TFormat : struct, IFloatFormat
    {
        var width = Strip.BlockBytes(TFormat.Fields) / Strip.Outputs;
        for (var column = 0; column < columns; column++, panel += FloatPanel.Outputs, strip += Strip.Outputs * width)
        {
            for (var output = 0; output < Strip.Outputs; output++)
                panel[output] = TFormat.Unpack(strip + output * width);
        }
    }
}
