namespace Formation.Inference.Engine.Stages;

/// <summary>A whole model: the head's embedding, the stages in order, the head's logits. Request path, step 7.</summary>
public sealed class Pipeline : IDisposable
{
    private readonly IModelHead _head;
    private readonly IReadOnlyList<IModelStage> _stages;
    private readonly Activations _activations;

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
        _activations = new Activations(maxRows, head.HiddenSize);
    }

    /// <summary>Rows of the largest batch.</summary>
    public int MaxRows => _activations.MaxRows;

    /// <summary>Number of logits of a row.</summary>
    public int VocabularySize => _head.VocabularySize;

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

    /// <summary>Computes one batch; <see cref="Logits"/> reads from its result until the next call.</summary>
    /// <inheritdoc cref="ForwardAsync(Batch, ReadOnlyMemory{int}, ReadOnlyMemory{int}, Memory{float}, CancellationToken)"/>
    public async ValueTask ForwardAsync(Batch batch, ReadOnlyMemory<int> tokenIds, CancellationToken cancellationToken)
    {
        if (tokenIds.Length != batch.RowCount)
            throw new ArgumentException($"{tokenIds.Length} tokens for a batch of {batch.RowCount} rows", nameof(tokenIds));
        _head.Embed(tokenIds.Span, _activations);
        foreach (var stage in _stages)
            await stage.ForwardAsync(batch, _activations, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Computes logits for rows of the last batch. So many rows at once as the caller has memory for.</summary>
    /// <param name="rows">The rows wanted.</param>
    /// <param name="logits">Shape: (rows.Length, <see cref="VocabularySize"/>).</param>
    public void Logits(ReadOnlySpan<int> rows, Span<float> logits) => _head.Logits(_activations, rows, logits);

    public void Dispose()
    {
        foreach (var stage in _stages)
            stage.Dispose();
        _head.Dispose();
    }
}
