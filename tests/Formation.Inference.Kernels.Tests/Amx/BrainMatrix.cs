using System.Collections.Concurrent;
using Formation.Inference.Kernels.Amx;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Tests.Formats;

namespace Formation.Inference.Kernels.Tests.Amx;

/// <summary>A weight made of float32 values. What it has to leave open (outputs past the last) it fills with NaN.</summary>
internal sealed unsafe class BrainMatrix(float[] values, int outputs, int inputs) : IBrainPanels
{
    private const ushort NotANumber = 0x7FC0;

    private readonly ushort[] _rounded = Round(values);

    public int Outputs => outputs;

    public int Inputs => inputs;

    /// <summary>What was asked for ahead of time.</summary>
    internal ConcurrentQueue<(int Strip, int FirstInput, int Inputs)> Prefetched { get; } = [];

    internal static BrainMatrix Random(int outputs, int inputs, int seed) =>
        new(RandomRows.Values(outputs * inputs, seed, scale: 0.25f), outputs, inputs);

    internal static ushort[] Round(float[] values)
    {
        var rounded = new ushort[values.Length];
        fixed (float* source = values)
        fixed (ushort* destination = rounded)
            BF16Format.Quantize(source, destination, values.Length);
        return rounded;
    }

    /// <summary>The inputs of an output, zeros up to a whole tile behind them.</summary>
    internal ushort[] Row(int output)
    {
        var row = new ushort[BrainTile.StepsFor(inputs) * BrainTile.Inputs];
        _rounded.AsSpan(output * inputs, inputs).CopyTo(row);
        return row;
    }

    public void Unpack(int strip, int firstInput, int count, ushort* pairs)
    {
        CheckPart(strip, firstInput, count);
        for (var i = 0; i < count; i++)
        {
            for (var j = 0; j < BrainTile.Outputs; j++)
            {
                var output = (strip * BrainTile.Outputs) + j;
                var input = firstInput + i;
                var value = input >= inputs ? (ushort)0 : output >= outputs ? NotANumber : _rounded[(output * inputs) + input];
                pairs[(i / 2 * 2 * BrainTile.Outputs) + (2 * j) + (i % 2)] = value;
            }
        }
    }

    public void Prefetch(int strip, int firstInput, int count)
    {
        CheckPart(strip, firstInput, count);
        Prefetched.Enqueue((strip, firstInput, count));
    }

    private void CheckPart(int strip, int firstInput, int count)
    {
        Assert.InRange(strip, 0, (outputs - 1) / BrainTile.Outputs);
        Assert.Equal(0, firstInput % BrainTile.InputsAtOnce);
        Assert.Equal(0, count % BrainTile.Inputs);
        Assert.InRange(firstInput, 0, inputs - 1);
        Assert.InRange(count, 1, Math.Min(BrainTile.InputsAtOnce, (BrainTile.StepsFor(inputs) * BrainTile.Inputs) - firstInput));
    }
}
