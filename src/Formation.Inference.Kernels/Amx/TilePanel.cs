namespace Formation.Inference.Kernels.Amx;

/// <summary>One chunk of rows and the memory to multiply it with pairs of strips.</summary>
/// <remarks>
/// The loops, from the outside: chunks of inputs, whose activations stay in the second-level cache; pairs of strips, unpacked into the
/// first-level cache; all rows of the chunk. Between the chunks of inputs the sums wait in tiles of their own.
/// </remarks>
/// <param name="x">The input.</param>
/// <param name="chunk">Which of its chunks of rows.</param>
/// <param name="weights">Memory for <see cref="WeightBytes"/>.</param>
/// <param name="sums">Memory for the sums of all pairs.</param>
/// <param name="kernel">What multiplies tiles.</param>
internal readonly unsafe struct TilePanel(BrainActivations x, int chunk, ushort* weights, float* sums, ITileKernel kernel)
{
    /// <summary>Memory for a pair of unpacked strips.</summary>
    public const int WeightBytes = 2 * BrainTile.InputsAtOnce * BrainTile.Outputs * sizeof(ushort);

    private const int RowsOfBlock = 2 * BrainTile.Rows;

    public int Rows => x.RowsOf(chunk);

    public int FirstRow => chunk * BrainTile.RowsAtOnce;

    /// <summary>The memory for sums, from a pair on.</summary>
    public TileSums Tiled(int pair) => TileSums.Tiled(sums, x.RowTilesOf(chunk)).From(pair, 0);

    /// <summary>Multiplies the rows with some pairs of strips of a layer.</summary>
    /// <param name="addend">What the sums begin with, for the first pair; without a place, zero.</param>
    /// <param name="between">Where they wait between chunks of inputs.</param>
    /// <param name="result">Where they go in the end.</param>
    public void Multiply(in TileTarget target, int firstPair, int pairs, in TileSums addend, in TileSums between, in TileSums result)
    {
        var last = x.InputChunks - 1;
        for (var inputChunk = 0; inputChunk <= last; inputChunk++)
        {
            for (var pair = 0; pair < pairs; pair++)
            {
                Unpack(target, firstPair + pair, inputChunk);
                // What is unpacked next comes from memory while the tiles are multiplied.
                if (pair + 1 < pairs)
                    Prefetch(target, firstPair + pair + 1, inputChunk);
                else if (inputChunk < last)
                    Prefetch(target, firstPair, inputChunk + 1);
                var from = inputChunk == 0 ? addend : between;
                var to = inputChunk == last ? result : between;
                Multiply(target.Outputs - ((firstPair + pair) * 2 * BrainTile.Outputs), inputChunk, from.From(pair, 0), to.From(pair, 0));
            }
        }
    }

    private void Unpack(in TileTarget target, int pair, int inputChunk)
    {
        var inputs = x.StepsOf(inputChunk) * BrainTile.Inputs;
        var end = Math.Min(2 * pair + 2, target.Strips);
        var pairs = weights;
        for (var strip = 2 * pair; strip < end; strip++, pairs += inputs * BrainTile.Outputs)
            target.Weight.Unpack(strip, inputChunk * BrainTile.InputsAtOnce, inputs, pairs);
    }

    private void Prefetch(in TileTarget target, int pair, int inputChunk)
    {
        var inputs = x.StepsOf(inputChunk) * BrainTile.Inputs;
        var end = Math.Min(2 * pair + 2, target.Strips);
        for (var strip = 2 * pair; strip < end; strip++)
            target.Weight.Prefetch(strip, inputChunk * BrainTile.InputsAtOnce, inputs);
    }

    /// <param name="outputs">Outputs from the pair on.</param>
    private void Multiply(int outputs, int inputChunk, in TileSums addend, in TileSums result)
    {
        var (blocks, rest) = Math.DivRem(Rows, RowsOfBlock);
        outputs = Math.Min(outputs, 2 * BrainTile.Outputs);
        if (blocks > 0)
            Pass(RowsOfBlock, outputs, inputChunk, 0, blocks, addend, result);
        if (rest > 0)
        {
            var rowTile = blocks * 2;
            Pass(rest, outputs, inputChunk, rowTile, 1, addend.From(0, rowTile), result.From(0, rowTile));
        }
    }

    private void Pass(int rows, int outputs, int inputChunk, int rowTile, int blocks, in TileSums addend, in TileSums result)
    {
        var configuration = TileConfiguration.For(rows, outputs);
        var pass = new TilePass
        {
            Configuration = &configuration,
            Activations = x.TilesOf(chunk, inputChunk, rowTile),
            Weights = weights,
            Steps = x.StepsOf(inputChunk),
            Blocks = blocks,
            Addend = addend,
            Sums = result,
        };
        kernel.Run(new TilePassShape(rows > BrainTile.Rows ? 2 : 1, outputs > BrainTile.Outputs ? 2 : 1), &pass);
    }
}
