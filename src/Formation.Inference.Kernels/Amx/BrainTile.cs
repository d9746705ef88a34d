namespace Formation.Inference.Kernels.Amx;

/// <summary>The sizes of matrix tiles of bfloat16, as palette 1 of the processor has them.</summary>
/// <remarks>
/// A tile of activations holds 16 rows of 32 inputs. A tile of weights holds 32 inputs of 16 outputs, in 16 rows of pairs of inputs: row
/// k has inputs 2k and 2k + 1 of each output side by side. A tile of sums holds 16 rows of 16 outputs in float32. Each fills 1 KiB.
/// </remarks>
internal static class BrainTile
{
    /// <summary>Activation rows of a tile.</summary>
    public const int Rows = 16;

    /// <summary>Inputs of a tile: what one instruction sums over.</summary>
    public const int Inputs = 32;

    /// <summary>Outputs of a tile of weights: a strip.</summary>
    public const int Outputs = 16;

    public const int RowBytes = 64;

    public const int Bytes = Rows * RowBytes;

    /// <summary>bfloat16 numbers of a tile.</summary>
    public const int Numbers = Bytes / sizeof(ushort);

    /// <summary>Float32 numbers of a tile of sums.</summary>
    public const int Sums = Rows * Outputs;

    /// <summary>
    /// Inputs that are multiplied between two visits to a sum: two strips of them are 32 KiB, which stay in the first-level cache while all
    /// rows meet them. A multiple of every block size.
    /// </summary>
    public const int InputsAtOnce = 512;

    /// <summary>
    /// Rows that are multiplied at a time: with <see cref="InputsAtOnce"/> their 512 KiB stay in the second-level cache.
    /// </summary>
    public const int RowsAtOnce = 512;

    /// <summary>Tiles that hold so many inputs, the last perhaps in part.</summary>
    public static int StepsFor(int inputs) => (inputs + Inputs - 1) / Inputs;
}
