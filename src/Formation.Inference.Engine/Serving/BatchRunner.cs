using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Engine.Serving;

/// <summary>Step 7 of the request path: makes the batch of a step and runs it through the pipeline.</summary>
internal sealed class BatchRunner(Pipeline pipeline)
{
    readonly int[] _tokens = new int[pipeline.MaxRows];
    long _step;

    /// <summary>Computes the slices' positions. Their rows follow each other in the slices' order.</summary>
    public void Forward(IReadOnlyList<ScheduledSlice> slices, CancellationToken cancellationToken)
    {
        var parts = new BatchSlice[slices.Count];
        var row = 0;
        for (var i = 0; i < parts.Length; i++)
        {
            var slice = slices[i];
            slice.Sequence.CopyTokens(slice.FirstPosition, _tokens.AsSpan(row, slice.Count));
            parts[i] = new BatchSlice(slice.Sequence.Id, slice.Kind, row, slice.Count, slice.FirstPosition, slice.Sequence.Blocks.Memory);
            row += slice.Count;
        }

        var forward = pipeline.ForwardAsync(new Batch(_step++, parts), _tokens.AsMemory(0, row), cancellationToken);

        // Local stages have completed already; while a remote one works, the engine's thread has nothing else to do.
        if (forward.IsCompleted)
            forward.GetAwaiter().GetResult();
        else
            forward.AsTask().GetAwaiter().GetResult();
    }
}
