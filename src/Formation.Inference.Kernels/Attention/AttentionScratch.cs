using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Attention;

/// <summary>One worker's memory for a task. Rows of queries lie a fixed distance apart, so that kernels address them by constants.</summary>
/// <param name="memory"><see cref="Floats"/> floats, aligned to 64 bytes.</param>
internal readonly unsafe struct AttentionScratch(float* memory)
{
    /// <summary>Floats from one query's row to the next.</summary>
    public const int Stride = KvLayout.MaxHeadSize;

    /// <summary>Floats from one query's weights to the next.</summary>
    public const int WeightStride = AttentionOrder.BlockPositions;

    /// <summary>The most groups of values that share a scale.</summary>
    public const int MaxGroups = KvLayout.MaxHeadSize / KvLayout.ScaledValues;

    /// <summary>16-bit integers from one query's weights to the next.</summary>
    public const int IntegerStride = MaxGroups * AttentionOrder.BlockPositions;

    public const int Floats = EndOffset;

    private const int MaxQueries = AttentionSchedule.MaxQueries;
    private const int MaxRows = RowKernel.MostRows;
    private const int Lane = Sixteen.Lanes;
    private const int BlockFloats = AttentionOrder.BlockPositions * KvLayout.MaxHeadSize;

    // Of all queries of the task.
    private const int SumsOffset = MaxQueries * Stride;
    private const int TotalsOffset = SumsOffset + MaxQueries * Stride;
    private const int LanesOffset = TotalsOffset + MaxQueries * Stride;
    private const int MaximaOffset = LanesOffset + MaxQueries * Lane;
    private const int TotalMaximaOffset = MaximaOffset + MaxQueries;
    private const int TotalWeightsOffset = TotalMaximaOffset + MaxQueries;
    private const int QueryStepsOffset = TotalWeightsOffset + MaxQueries;
    private const int FirstsOffset = QueryStepsOffset + MaxQueries;
    private const int EndsOffset = FirstsOffset + MaxQueries;
    private const int WeightsOffset = EndsOffset + MaxQueries;
    private const int RescalesOffset = WeightsOffset + MaxQueries * WeightStride;
    private const int SharesOffset = RescalesOffset + MaxQueries;

    // Of the rows in hand.
    private const int IntegerWeightsOffset = SharesOffset + MaxQueries;
    private const int WeightStepsOffset = IntegerWeightsOffset + MaxRows * IntegerStride / 2;

    // Of the block: three lists of addresses, a tile each.
    private const int TileListFloats = 3 * AttentionOrder.BlockTiles * sizeof(ulong) / sizeof(float);
    private const int TilesOffset = WeightStepsOffset + MaxRows * MaxGroups;
    private const int ValueScalesOffset = TilesOffset + TileListFloats;
    private const int StepInversesOffset = ValueScalesOffset + MaxGroups * AttentionOrder.BlockPositions;
    private const int GroupStepsOffset = StepInversesOffset + MaxGroups * AttentionOrder.BlockPositions;
    private const int StepsRangeOffset = GroupStepsOffset + Lane;
    private const int KeysOffset = StepsRangeOffset + Lane;
    private const int ValuesOffset = KeysOffset + BlockFloats;

    // A last vector of columns may read past the last row.
    private const int EndOffset = ValuesOffset + BlockFloats + Lane;

    /// <summary>The queries, scaled, in the form that the products over keys read.</summary>
    public float* Queries => memory;

    /// <summary>For queries in integers, what an integer is worth.</summary>
    public float* QuerySteps => memory + QueryStepsOffset;

    /// <summary>Each query's largest score of the chunk so far.</summary>
    public float* Maxima => memory + MaximaOffset;

    /// <summary>Each query's weights of the chunk so far, added up in sixteen lanes: (queries, 16).</summary>
    public float* Lanes => memory + LanesOffset;

    /// <summary>Each query's weighted sum of the values of the chunk so far.</summary>
    public float* Sums => memory + SumsOffset;

    /// <summary>Each query's largest score of the chunks before.</summary>
    public float* TotalMaxima => memory + TotalMaximaOffset;

    /// <summary>Each query's sum of the weights of the chunks before.</summary>
    public float* TotalWeights => memory + TotalWeightsOffset;

    /// <summary>Each query's weighted sum of the values of the chunks before.</summary>
    public float* Totals => memory + TotalsOffset;

    /// <summary>The first position that each query sees.</summary>
    public int* Firsts => (int*)(memory + FirstsOffset);

    /// <summary>The position after the last one that each query sees.</summary>
    public int* Ends => (int*)(memory + EndsOffset);

    /// <summary>Scores, then weights, of the queries over a block: (queries, positions).</summary>
    public float* Weights => memory + WeightsOffset;

    /// <summary>What the queries' sums are multiplied by before the block comes in.</summary>
    public float* Rescales => memory + RescalesOffset;

    /// <summary>What the block's sums are multiplied by.</summary>
    public float* Shares => memory + SharesOffset;

    /// <summary>The weights of the rows in hand as integers, for each group of dimensions: (rows, groups, positions).</summary>
    public short* IntegerWeights => (short*)(memory + IntegerWeightsOffset);

    /// <summary>What such an integer is worth: (rows, groups).</summary>
    public float* WeightSteps => memory + WeightStepsOffset;

    /// <summary>The keys of the block's tiles.</summary>
    public byte** KeyTiles => (byte**)(memory + TilesOffset);

    /// <summary>The values of the block's tiles.</summary>
    public byte** ValueTiles => KeyTiles + AttentionOrder.BlockTiles;

    /// <summary>The keys of the next block's tiles, or any address that may be fetched in vain.</summary>
    public byte** NextKeyTiles => ValueTiles + AttentionOrder.BlockTiles;

    /// <summary>The scales of the block's values: (groups, positions).</summary>
    public float* ValueScales => memory + ValueScalesOffset;

    /// <summary>What weights are multiplied by to become integers: (groups, positions).</summary>
    public float* StepInverses => memory + StepInversesOffset;

    /// <summary>What such an integer of a weight relative to its block is worth: (groups).</summary>
    public float* GroupSteps => memory + GroupStepsOffset;

    /// <summary>The positions of the block for which the steps are prepared: the first, and the one after the last.</summary>
    public int* StepsRange => (int*)(memory + StepsRangeOffset);

    /// <summary>Room for the keys of a block as float32: (tiles, headSize, 16).</summary>
    public float* UnpackedKeys => memory + KeysOffset;

    /// <summary>Room for the values of a block as float32: (tiles, 16, headSize).</summary>
    public float* UnpackedValues => memory + ValuesOffset;
}
