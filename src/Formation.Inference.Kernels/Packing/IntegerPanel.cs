namespace Formation.Inference.Kernels.Packing;

/// <summary>
/// Two strips of a weight, unpacked from their format for the integer kernels: value = scale · groupScale · level - ..., see
/// <see cref="IIntegerFormat"/>. It stays in the first-level cache while all activation rows meet it.
/// </summary>
internal readonly unsafe struct IntegerPanel
{
    /// <summary>Outputs of a panel.</summary>
    internal const int Outputs = 2 * Strip.Outputs;

    /// <summary>Most inputs of a panel: a whole number of blocks of every format.</summary>
    internal const int Columns = 256;

    /// <summary>Bytes of a quad of levels of all outputs, and so the distance from a quad to the next.</summary>
    internal const int QuadBytes = Outputs * sizeof(int);

    /// <summary>Bytes from the scales to the offsets.</summary>
    internal const int OffsetsFromScales = MostBlocks * Outputs * sizeof(float);

    private const int LevelBytes = Columns / 4 * QuadBytes;
    private const int MostGroups = Columns / 16;
    private const int MostBlocks = Columns / 32;

    /// <summary>Memory that a panel needs, in floats.</summary>
    internal const int Floats = LevelBytes / sizeof(float) + (MostGroups + MostGroups / 2 + 2 * MostBlocks) * Outputs;

    internal IntegerPanel(float* memory)
        : this((byte*)memory, (int*)memory + LevelBytes / sizeof(int)) { }

    private IntegerPanel(byte* levels, int* groupScales)
        : this(levels, groupScales, groupScales + MostGroups * Outputs) { }

    private IntegerPanel(byte* levels, int* groupScales, int* minimums)
        : this(levels, groupScales, minimums, (float*)minimums + MostGroups / 2 * Outputs) { }

    private IntegerPanel(byte* levels, int* groupScales, int* minimums, float* scales)
        : this(levels, groupScales, minimums, scales, scales + MostBlocks * Outputs) { }

    private IntegerPanel(byte* levels, int* groupScales, int* minimums, float* scales, float* offsets)
    {
        Levels = levels;
        GroupScales = groupScales;
        Minimums = minimums;
        Scales = scales;
        Offsets = offsets;
    }

    /// <summary>Unsigned levels. Shape: (columns / 4, <see cref="Outputs"/>, 4).</summary>
    internal byte* Levels { get; }

    /// <summary>Integer scales of the groups. Shape: (groups, <see cref="Outputs"/>).</summary>
    internal int* GroupScales { get; }

    /// <summary>Pairs of 16-bit minimums, one for each 16 columns. Shape: (columns / 32, <see cref="Outputs"/>, 2).</summary>
    internal int* Minimums { get; }

    /// <summary>Scales of the blocks. Shape: (blocks, <see cref="Outputs"/>).</summary>
    internal float* Scales { get; }

    /// <summary>What the activations' sums are multiplied by. Shape: (blocks, <see cref="Outputs"/>).</summary>
    internal float* Offsets { get; }

    /// <summary>The panel as the second strip sees it.</summary>
    internal IntegerPanel SecondStrip() => new(
        Levels + Strip.Outputs * sizeof(int), GroupScales + Strip.Outputs, Minimums + Strip.Outputs, Scales + Strip.Outputs, Offsets + Strip.Outputs);

    /// <summary>The panel from a block of 32 columns on, for formats of such blocks.</summary>
    internal IntegerPanel From(int block) => new(
        Levels + block * (32 / 4 * QuadBytes), GroupScales, Minimums, Scales + block * Outputs, Offsets + block * Outputs);
}
