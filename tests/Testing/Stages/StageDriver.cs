using Formation.Inference.Engine.Stages;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Testing.Stages;

/// <summary>
/// One sequence that a test drives through a stage: invented inputs that depend on seed and position alone, and its block table.
/// </summary>
/// <param name="Id">Which sequence.</param>
/// <param name="Seed">Chooses the inputs.</param>
/// <param name="Blocks">Its block table, long enough for every position that the test asks for.</param>
public sealed record StageSequence(long Id, ulong Seed, int[] Blocks)
{
    /// <summary>The input row at a position.</summary>
    public float[] Input(int position, int width)
    {
        var random = SplitMix64.For(Seed, $"position {position}");
        return [.. Enumerable.Range(0, width).Select(_ => (float)random.NextNormal())];
    }
}

/// <summary>Consecutive positions of a sequence for one step.</summary>
public readonly record struct StagePart(StageSequence Sequence, int FirstPosition, int Count, SliceKind Kind = SliceKind.Prefill);

/// <summary>Runs steps on a stage and hands back copies of the outputs.</summary>
/// <param name="width">Width of the activations.</param>
public sealed class StageDriver(IModelStage stage, int width, int maxRows = 64)
{
    private readonly Activations _activations = new(maxRows, width);
    private long _step;

    /// <summary>The activations of the last step.</summary>
    public Activations Activations => _activations;

    /// <summary>Runs one step; the result has the outputs of each part's rows.</summary>
    public async Task<float[][][]> StepAsync(CancellationToken cancellationToken, params StagePart[] parts)
    {
        var slices = new List<BatchSlice>();
        var rows = 0;
        foreach (var part in parts)
        {
            slices.Add(new BatchSlice(part.Sequence.Id, part.Kind, rows, part.Count, part.FirstPosition, part.Sequence.Blocks));
            rows += part.Count;
        }
        _activations.SetRows(rows);
        for (var i = 0; i < parts.Length; i++)
        {
            for (var row = 0; row < parts[i].Count; row++)
                parts[i].Sequence.Input(parts[i].FirstPosition + row, width).CopyTo(_activations.Row(slices[i].FirstRow + row));
        }
        await stage.ForwardAsync(new Batch(_step++, slices), _activations, cancellationToken);
        return [.. slices.Select(slice => Enumerable.Range(slice.FirstRow, slice.RowCount).Select(Output).ToArray())];
    }

    /// <summary>Runs a prompt in chunks of the given sizes, one a step, and joins the outputs.</summary>
    public async Task<float[][]> PrefillAsync(StageSequence sequence, params int[] chunks)
    {
        var outputs = new List<float[]>();
        foreach (var chunk in chunks)
            outputs.AddRange((await StepAsync(CancellationToken.None, new StagePart(sequence, outputs.Count, chunk)))[0]);
        return [.. outputs];
    }

    private float[] Output(int row) => _activations.Row(row).ToArray();
}
