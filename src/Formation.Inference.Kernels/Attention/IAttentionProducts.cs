namespace Formation.Inference.Kernels.Attention;

/// <summary>Scores: the products of queries and keys. One implementation for each way to store keys and multiply.</summary>
internal unsafe interface IKeyProducts
{
    /// <summary>The most queries that the products, and those of values beside them, take at a time.</summary>
    static abstract int MaxRows { get; }

    /// <summary>Writes a query, times a factor, in the form that <see cref="Scores"/> reads.</summary>
    /// <param name="query">Shape: (headSize).</param>
    /// <param name="index">Which query of the task.</param>
    static abstract void PrepareQuery(KvLayout layout, float* query, float factor, int index, in AttentionScratch scratch);

    /// <summary>Makes a block's tiles readable; may point <see cref="AttentionScratch.KeyTiles"/> elsewhere.</summary>
    static abstract void PrepareTiles(KvLayout layout, in AttentionBlock block);

    /// <summary>
    /// Computes the scores of each group of queries for the tiles of its range, into <see cref="AttentionScratch.Weights"/>.
    /// </summary>
    static abstract void Scores(KvLayout layout, in AttentionBlock block);
}

/// <summary>Weighted sums of values. One implementation for each way to store values and multiply.</summary>
internal unsafe interface IValueProducts
{
    /// <summary>What the weights in <see cref="AttentionScratch.Weights"/> are multiplied by; a power of 2.</summary>
    static abstract float WeightFactor { get; }

    /// <summary>Makes a block's tiles readable; may point <see cref="AttentionScratch.ValueTiles"/> elsewhere.</summary>
    static abstract void PrepareTiles(KvLayout layout, in AttentionBlock block);

    /// <summary>
    /// sums = sums · rescale + share · Σ weights[j] · values[j] for each group of queries, over the positions of its range in rising order.
    /// Where a query does not see a position of these tiles, its weight is 0.
    /// </summary>
    static abstract void Accumulate(KvLayout layout, in AttentionBlock block);
}
