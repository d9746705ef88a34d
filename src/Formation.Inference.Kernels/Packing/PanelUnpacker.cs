using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>Unpacks neighbouring blocks of a strip into a panel.</summary>
internal static unsafe class PanelUnpacker
{
    /// <param name="strip">The first block.</param>
    /// <param name="ahead">Where the blocks are that are unpacked soon: they are brought nearer meanwhile.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Integers<TFormat, TQuads, TFloats>(byte* strip, byte* ahead, int blocks, in IntegerPanel panel)
        where TFormat : struct, IIntegerFormat
        where TQuads : struct, IQuads<TQuads>
        where TFloats : struct, IFloats<TFloats>
    {
        const int blockRows = Strip.Outputs;
        for (var block = 0; block < blocks; block++, strip += blockRows * TFormat.BlockBytes, ahead += blockRows * TFormat.BlockBytes)
        {
            StripPrefetch<TFormat>.Block(ahead);
            var unpacked = panel.From(block);
            Unpacking.Scales<TFormat, TFloats>(strip, unpacked.Scales, unpacked.Offsets);
            if (TFormat.BlockColumns > TFormat.GroupColumns)
                PanelGroups<TFormat, TQuads>.Unpack(strip, unpacked);
            for (var lane = 0; lane < Strip.Outputs; lane += TQuads.Count)
                Levels<TFormat, TQuads>(strip, ahead, lane, unpacked.Levels + lane * sizeof(int));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Levels<TFormat, TQuads>(byte* strip, byte* ahead, int lane, byte* levels)
        where TFormat : struct, IIntegerFormat
        where TQuads : struct, IQuads<TQuads>
    {
        const int quadBytes = IntegerPanel.QuadBytes;
        var stretchSteps = TFormat.RunColumns / 4;
        var runBytes = stretchSteps * quadBytes;
        nuint step = 0;
        for (var stretch = TFormat.BlockColumns / TFormat.RunColumns / TFormat.Runs; stretch > 0; stretch--)
        {
            for (var end = step + (nuint)stretchSteps; step < end; step++, levels += quadBytes)
            {
                if (lane == 0)
                    StripPrefetch<TFormat>.Step(ahead, step);
                var quads = TFormat.Levels<TQuads>(strip, step, lane);
                quads.First.Store(levels);
                if (TFormat.Runs > 1)
                    quads.Second.Store(levels + runBytes);
                if (TFormat.Runs > 2)
                {
                    quads.Third.Store(levels + 2 * runBytes);
                    quads.Fourth.Store(levels + 3 * runBytes);
                }
            }
            levels += (TFormat.Runs - 1) * runBytes;
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
            // A column of sixteen numbers is a cache line, or half of one.
            Prefetch.Line(strip + StripPrefetch.Bytes);
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
}
