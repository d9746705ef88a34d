using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Sequences;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Engine.Embeddings;

/// <summary>
/// Step 8 of the request path for inputs that are embedded: takes their rows out of a step, behind the model's last norm, a bounded number at a
/// time, and gives them to the inputs' poolers. Belongs to the engine's thread.
/// </summary>
internal sealed class StepPooler(Pipeline pipeline)
{
    const int RowsAtOnce = 16;

    readonly List<WantedRow> _wanted = [];
    readonly int[] _rows = new int[RowsAtOnce];
    float[] _hidden = [];

    readonly record struct WantedRow(int Row, int Position, InputPooler Pooler);

    /// <param name="slices">The slices of a step that the pipeline has computed.</param>
    /// <param name="activations">Their rows. Those of a sequence that has ended since are left out.</param>
    public void Pool(IReadOnlyList<ScheduledSlice> slices, Activations activations)
    {
        FindWantedRows(slices);
        if (_wanted.Count > 0 && _hidden.Length == 0)
            _hidden = new float[checked(RowsAtOnce * pipeline.HiddenSize)];
        for (var first = 0; first < _wanted.Count; first += RowsAtOnce)
        {
            var count = Math.Min(RowsAtOnce, _wanted.Count - first);
            for (var i = 0; i < count; i++)
                _rows[i] = _wanted[first + i].Row;
            pipeline.Normalize(activations, _rows.AsSpan(0, count), _hidden.AsSpan(0, count * pipeline.HiddenSize));
            for (var i = 0; i < count; i++)
                _wanted[first + i].Pooler.Add(_wanted[first + i].Position, _hidden.AsSpan(i * pipeline.HiddenSize, pipeline.HiddenSize));
        }

        _wanted.Clear();
    }

    void FindWantedRows(IReadOnlyList<ScheduledSlice> slices)
    {
        var row = 0;
        for (var i = 0; i < slices.Count; i++)
        {
            var slice = slices[i];
            if (slice.Sequence is { State: not SequenceState.Finished, Group.Pooler: { } pooler })
                for (var position = pooler.NextWanted(slice.FirstPosition); position < slice.End; position = pooler.NextWanted(position + 1))
                    _wanted.Add(new WantedRow(row + position - slice.FirstPosition, position, pooler));
            row += slice.Count;
        }
    }
}
