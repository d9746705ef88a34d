using Formation.Inference.Kernels.Layers;
using Formation.Inference.Kernels.Threading;
using Formation.Inference.Kernels.Tiles;

namespace Formation.Inference.Kernels.Amx;

/// <summary>
/// Linear layers of one input, a task being a chunk of rows and a part of all pairs of strips. Tasks that follow each other share the rows.
/// </summary>
internal readonly unsafe ref struct TileProductJob(
    ReadOnlySpan<TileTarget> targets, BrainActivations x, LinearEnd end, int pairs, int panels, WorkerTeam team, ITileKernel kernel) : IJob
{
    private const int WeightFloats = TilePanel.WeightBytes / sizeof(float);

    private readonly ReadOnlySpan<TileTarget> _targets = targets;

    public void Execute(int task, int worker)
    {
        var (chunk, part) = Math.DivRem(task, panels);
        var first = (int)((long)pairs * part / panels);
        var last = (int)((long)pairs * (part + 1) / panels);
        var layers = IsGate ? 2 : 1;
        var sumFloats = checked((last - first) * layers * x.RowTilesOf(chunk) * 2 * BrainTile.Sums);
        fixed (float* scratch = team.Scratch(worker, WeightFloats + sumFloats))
        {
            var panel = new TilePanel(x, chunk, (ushort*)scratch, scratch + WeightFloats, kernel);
            if (IsGate)
                Gate(panel, first, last - first);
            else
                ForEachTarget(panel, first, last);
        }
    }

    private bool IsGate => end == LinearEnd.Gate;

    private void ForEachTarget(TilePanel panel, int first, int last)
    {
        foreach (var target in _targets)
        {
            var from = Math.Max(first, 0);
            var to = Math.Min(last, target.Pairs);
            if (from < to)
                Multiply(panel, target, from, to - from);
            first -= target.Pairs;
            last -= target.Pairs;
        }
    }

    private void Multiply(TilePanel panel, in TileTarget target, int firstPair, int count)
    {
        var output = firstPair * 2 * BrainTile.Outputs;
        var y = TileSums.RowMajor(target.Y + ((nint)panel.FirstRow * target.Outputs) + output, target.Outputs);
        var bias = target.Bias == null ? null : target.Bias + output;
        if (end == LinearEnd.Store)
        {
            panel.Multiply(target, firstPair, count, TileSums.SameForAllRows(bias), panel.Tiled(0), y);
            return;
        }
        if (bias != null)
            AddBias(panel, bias, (float*)y.First, target.Outputs, Math.Min(count * 2 * BrainTile.Outputs, target.Outputs - output));
        panel.Multiply(target, firstPair, count, y, panel.Tiled(0), y);
    }

    private static void AddBias(TilePanel panel, float* bias, float* y, int stride, int outputs)
    {
        for (var row = 0; row < panel.Rows; row++)
            Addition.Accumulate(new ReadOnlySpan<float>(bias, outputs), new Span<float>(y + ((nint)row * stride), outputs));
    }

    private void Gate(TilePanel panel, int firstPair, int count)
    {
        var output = firstPair * 2 * BrainTile.Outputs;
        var gate = panel.Tiled(0);
        var up = panel.Tiled(count);
        var gateBias = _targets[0].Bias == null ? null : _targets[0].Bias + output;
        var upBias = _targets[1].Bias == null ? null : _targets[1].Bias + output;
        panel.Multiply(_targets[0], firstPair, count, TileSums.SameForAllRows(gateBias), gate, gate);
        panel.Multiply(_targets[1], firstPair, count, TileSums.SameForAllRows(upBias), up, up);
        var y = _targets[0].Y + ((nint)panel.FirstRow * _targets[0].Outputs) + output;
        for (var pair = 0; pair < count; pair++)
        {
            for (var strip = 0; strip < 2; strip++, y += BrainTile.Outputs)
            {
                var outputs = Math.Min(BrainTile.Outputs, _targets[0].Outputs - output - (((2 * pair) + strip) * BrainTile.Outputs));
                if (outputs > 0)
                    GateStrip(panel, gate.From(pair, 0), up.From(pair, 0), strip, y, outputs);
            }
        }
    }

    private void GateStrip(TilePanel panel, in TileSums gate, in TileSums up, int strip, float* y, int outputs)
    {
        for (var row = 0; row < panel.Rows; row++)
        {
            var offset = (row / BrainTile.Rows * gate.RowTileBytes) + (row % BrainTile.Rows * gate.RowBytes) + (strip * gate.StripBytes);
            GatedActivation.SwiGlu(
                new ReadOnlySpan<float>(gate.First + offset, outputs),
                new ReadOnlySpan<float>(up.First + offset, outputs),
                new Span<float>(y + ((nint)row * _targets[0].Outputs), outputs));
        }
    }
}
