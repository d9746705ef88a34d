using System.Runtime.CompilerServices;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Speculation;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Engine.Serving;

/// <summary>
/// One step between its schedule and its samples, with all that is its own while others are computed beside it. Step 7 of the request path:
/// makes the batch and runs it through the pipeline. Used again and again by the engine's thread.
/// </summary>
/// <param name="pipeline">What computes.</param>
/// <param name="wake">Called on any thread when a step that was not complete at once has ended.</param>
internal sealed class StepInFlight(Pipeline pipeline, Action wake)
{
    readonly int[] _tokens = new int[pipeline.MaxRows];
    ValueTaskAwaiter _forward;

    /// <summary>What is computed. Filled before <see cref="Start"/>, and valid until the step is used again.</summary>
    public List<ScheduledSlice> Slices { get; } = [];

    /// <summary>What the step's drafts are to be judged by.</summary>
    public DraftedStep Drafts { get; } = new();

    /// <summary>The rows' hidden states.</summary>
    public Activations Activations { get; } = pipeline.CreateActivations();

    /// <summary>Whether <see cref="Finish"/> returns at once.</summary>
    public bool IsComputed => _forward.IsCompleted;

    /// <summary>Begins to compute the slices' positions. Their rows follow each other in the slices' order.</summary>
    /// <param name="number">Number of the step, increasing.</param>
    /// <param name="cancellationToken">Gives the step up.</param>
    public void Start(long number, CancellationToken cancellationToken)
    {
        var parts = new BatchSlice[Slices.Count];
        var row = 0;
        for (var i = 0; i < parts.Length; i++)
        {
            var slice = Slices[i];
            slice.Sequence.CopyTokens(slice.FirstPosition, _tokens.AsSpan(row, slice.Count));
            parts[i] = new BatchSlice(slice.Sequence.Id, slice.Kind, row, slice.Count, slice.FirstPosition, slice.Sequence.Blocks.Memory);
            row += slice.Count;
        }

        // Local stages have completed when the call returns; remote ones work while the engine's thread does something else.
        _forward = pipeline.ForwardAsync(new Batch(number, parts), _tokens.AsMemory(0, row), Activations, cancellationToken).GetAwaiter();
        if (!_forward.IsCompleted)
            _forward.UnsafeOnCompleted(wake);
    }

    /// <summary>Waits for the end of a step whose result nobody wants.</summary>
    public void WaitUntilEnded()
    {
        SpinWait.SpinUntil(() => _forward.IsCompleted);
        try
        {
            Finish();
        }
        catch (Exception)
        {
            // It failed of what the step before it failed of.
        }
    }

    /// <summary>Takes the result of a computed step: returns, or throws what made it fail. Called once.</summary>
    public void Finish() => _forward.GetResult();
}
