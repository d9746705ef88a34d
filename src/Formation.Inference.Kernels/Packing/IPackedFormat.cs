using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>A storage format laid out in strips, see <see cref="Strip"/>.</summary>
internal unsafe interface IPackedFormat
{
    static abstract TensorType Type { get; }

    /// <summary>The numbers of a stored block, in order.</summary>
    static abstract ReadOnlySpan<PackedField> Fields { get; }

    /// <summary>Bytes of a stored block, all its numbers.</summary>
    static abstract int BlockBytes { get; }
}

/// <summary>
/// A format whose values are small unsigned levels with scales, multiplied in integers with activations of 8 bits.
/// </summary>
/// <remarks>
/// <para>A block of 32 without groups: value = scale · (level - <see cref="Zero"/>) + offset, the offset only where
/// <see cref="HasOffsets"/>.</para>
/// <para>A block of 256 with groups: value = scale · groupScale · (level - <see cref="Zero"/>), or, where the zero is level 0,
/// scale · groupScale · level + offset · minimum, all integers exact.</para>
/// </remarks>
internal unsafe interface IIntegerFormat : IPackedFormat
{
    /// <summary>Columns of a block: 32 or 256.</summary>
    static abstract int BlockColumns { get; }

    /// <summary>Columns that share an integer scale: 16 or 32, which is the block where it has no groups.</summary>
    static abstract int GroupColumns { get; }

    /// <summary>The level that stands for zero.</summary>
    static abstract int Zero { get; }

    /// <summary>Whether blocks have offsets beside their scales.</summary>
    static abstract bool HasOffsets { get; }

    /// <summary>
    /// The largest level. It decides how many products of 16 bits can be added before they have to be widened to 32.
    /// </summary>
    static abstract int LargestLevel { get; }

    /// <summary>Quads of levels in the same bytes: 1, 2 or 4, in so many runs of columns one after the other.</summary>
    static abstract int Runs { get; }

    /// <summary>Columns of a run: 16 or 32. After the last run of some bytes come the first run of the next.</summary>
    static abstract int RunColumns { get; }

    /// <summary>
    /// Unpacks a row's block. The definition of the format; <see cref="Scales"/>, <see cref="Groups"/> and <see cref="Levels"/> give the
    /// same numbers.
    /// </summary>
    static abstract void Unpack(byte* block, in PanelColumn column);

    /// <summary>Reads the scales of neighbouring rows of a block of a strip, and their offsets where it has any.</summary>
    /// <param name="lane">The first row.</param>
    static abstract (TScales Scale, TScales Offset) Scales<TScales>(byte* strip, int lane)
        where TScales : struct, IScales<TScales>;

    /// <summary>The integer scales of a block of a strip, in formats with groups.</summary>
    /// <param name="scratch">Where they are unpacked to if need be: as many bytes as there are scales and minimums.</param>
    /// <returns>
    /// Scales, signed where <see cref="Zero"/> is not 0. Shape: (groups, 16). Otherwise they are unsigned, and the minimums follow in the same
    /// shape.
    /// </returns>
    static virtual byte* Groups(byte* strip, byte* scratch) => strip;

    /// <summary>Reads the levels of neighbouring rows of a block of a strip, a quad of each run.</summary>
    /// <param name="step">Which quad, counted through the first runs only: <see cref="RunColumns"/> / 4 for every stretch of runs.</param>
    /// <param name="lane">The first row.</param>
    static abstract RunLevels<TQuads> Levels<TQuads>(byte* strip, nuint step, int lane)
        where TQuads : struct, IQuadBits<TQuads>;
}

/// <summary>A format of floating-point values, multiplied as float32. Its block is one value.</summary>
internal unsafe interface IFloatFormat : IPackedFormat
{
    /// <summary>The value of a row's block. The definition of the format; <see cref="Load"/> gives the same numbers.</summary>
    static abstract float Unpack(byte* block);

    /// <summary>Reads the values of several neighbouring rows.</summary>
    static abstract TFloats Load<TFloats>(byte* column)
        where TFloats : struct, IFloats<TFloats>;
}
