using System.Diagnostics;

namespace Formation.Inference.Engine.Stages;

/// <summary>A whole model: the head's embedding, the stages in order, the head's logits. Request path, step 7.</summary>
public sealed class Pipeline : IDisposable
{
    private readonly IModelHead _head;
    private readonly IReadOnlyList<IModelStage> _stages;
    private Activations? _activations;

    /// <param name="head">Disposed with the pipeline.</param>
    /// <param name="stages">In order, the first from layer 0, each from where the one before ends; disposed with the pipeline.</param>
    /// <param name="maxRows">Rows of the largest batch.</param>
    /// <exception cref="ArgumentException">There is no stage, or a layer is missing or computed twice.</exception>
    public Pipeline(IModelHead head, IReadOnlyList<IModelStage> stages, int maxRows)
    {
        if (stages.Count == 0)
            throw new ArgumentException("a pipeline has at least one stage", nameof(stages));
        var next = 0;
        foreach (var stage in stages)
        {
            if (stage.Layers.First != next)
                throw new ArgumentException($"a stage of {stage.Layers} stands where layer {next} is next", nameof(stages));
            next = stage.Layers.End;
        }
        _head = head;
        _stages = stages;
        MaxRows = maxRows;
        Depth = stages.Max(stage => stage.Depth);
    }

    /// <summary>Rows of the largest batch.</summary>
    public int MaxRows { get; }

    /// <summary>Batches that can be computed side by side; see <see cref="IModelStage.Depth"/>.</summary>
    public int Depth { get; }

    /// <summary>Number of logits of a row.</summary>
    public int VocabularySize => _head.VocabularySize;

    /// <summary>Values of a row of activations.</summary>
    public int HiddenSize => _head.HiddenSize;

    /// <summary>Layers of all stages.</summary>
    public int LayerCount => _stages[^1].Layers.End;

    /// <summary>Computes one batch and the logits of some of its rows. One call at a time.</summary>
    /// <param name="batch">The step's work.</param>
    /// <param name="tokenIds">The token of each row.</param>
    /// <param name="logitRows">The rows whose logits are wanted.</param>
    /// <param name="logits">Shape: (logitRows.Length, <see cref="VocabularySize"/>).</param>
    /// <param name="cancellationToken">Seen between layers; the KV rows of this batch are then undefined and everything else as it
    /// was.</param>
    public async ValueTask ForwardAsync(
        Batch batch, ReadOnlyMemory<int> tokenIds, ReadOnlyMemory<int> logitRows, Memory<float> logits, CancellationToken cancellationToken)
    {
        await ForwardAsync(batch, tokenIds, cancellationToken).ConfigureAwait(false);
        if (!logitRows.IsEmpty)
            Logits(logitRows.Span, logits.Span);
    }

    /// <summary>
    /// Computes one batch; <see cref="Logits(ReadOnlySpan{int}, Span{float})"/> reads from its result until the next call. One call at a time.
    /// </summary>
    /// <inheritdoc cref="ForwardAsync(Batch, ReadOnlyMemory{int}, ReadOnlyMemory{int}, Memory{float}, CancellationToken)"/>
    public ValueTask ForwardAsync(Batch batch, ReadOnlyMemory<int> tokenIds, CancellationToken cancellationToken) =>
        ForwardAsync(batch, tokenIds, OwnActivations, cancellationToken);

    /// <summary>
    /// Computes one batch in activations of the caller's, from <see cref="CreateActivations"/>. Up to <see cref="Depth"/> calls may be in
    /// progress, each begun by the same thread; what is computed here is computed before the call returns.
    /// </summary>
    /// <exception cref="StageLostException">A stage is lost; see <see cref="RecoverAsync"/>.</exception>
    public async ValueTask ForwardAsync(
        Batch batch, ReadOnlyMemory<int> tokenIds, Activations activations, CancellationToken cancellationToken)
    {
        if (tokenIds.Length != batch.RowCount)
            throw new ArgumentException($"{tokenIds.Length} tokens for a batch of {batch.RowCount} rows", nameof(tokenIds));
        _head.Embed(tokenIds.Span, activations);
        foreach (var stage in _stages)
            await stage.ForwardAsync(batch, activations, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Computes logits for rows of the last batch. So many rows at once as the caller has memory for.</summary>
    /// <param name="rows">The rows wanted.</param>
    /// <param name="logits">Shape: (rows.Length, <see cref="VocabularySize"/>).</param>
    public void Logits(ReadOnlySpan<int> rows, Span<float> logits) => Logits(OwnActivations, rows, logits);

    /// <summary>Computes logits for rows of a batch that was computed in these activations.</summary>
    /// <inheritdoc cref="Logits(ReadOnlySpan{int}, Span{float})"/>
    public void Logits(Activations activations, ReadOnlySpan<int> rows, Span<float> logits) => _head.Logits(activations, rows, logits);

    /// <summary>Puts rows of a batch through the final norm; see <see cref="IModelHead.Normalize"/>.</summary>
    public void Normalize(Activations activations, ReadOnlySpan<int> rows, Span<float> hidden) => _head.Normalize(activations, rows, hidden);

    /// <summary>Memory for a batch in progress.</summary>
    public Activations CreateActivations() => new(MaxRows, _head.HiddenSize);

    /// <summary>What the next batch would end with, or null; see <see cref="IModelStage.Loss"/>.</summary>
    public StageLostException? Loss
    {
        get
        {
            foreach (var stage in _stages)
            {
                if (stage.Loss is { } loss)
                    return loss;
            }
            return null;
        }
    }

    /// <summary>Has somebody told of losses; see <see cref="IModelStage.WatchLosses"/>.</summary>
    public void WatchLosses(Action lost)
    {
        foreach (var stage in _stages)
            stage.WatchLosses(lost);
    }

    /// <summary>Puts replacements where stages were lost; see <see cref="IModelStage.RecoverAsync"/>. No batch is in progress.</summary>
    public async ValueTask RecoverAsync(IReadOnlyList<StoredSequence> sequences, CancellationToken cancellationToken)
    {
        foreach (var stage in _stages)
            await stage.RecoverAsync(sequences, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Tells all stages of a sequence whose request is traced; see <see cref="IModelStage.BeginTrace"/>.</summary>
    public void BeginTrace(long sequenceId, ActivityContext parent)
    {
        foreach (var stage in _stages)
            stage.BeginTrace(sequenceId, parent);
    }

    /// <summary>The end of that.</summary>
    public void EndTrace(long sequenceId)
    {
        foreach (var stage in _stages)
            stage.EndTrace(sequenceId);
    }

    // Made when first used: an engine brings activations for each of its steps.
    private Activations OwnActivations => _activations ??= CreateActivations();

    public void Dispose()
    {
        foreach (var stage in _stages)
            stage.Dispose();
        _head.Dispose();
    }
}
