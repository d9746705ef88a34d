namespace Formation.Inference.Kernels.Vectors;

/// <summary>
/// What reads the scales of weights: the operations that every format's scales are made of. They compute (<see cref="IFloats{TSelf}"/>), or
/// are recorded to become machine code.
/// </summary>
internal unsafe interface IScales<TSelf>
    where TSelf : struct, IScales<TSelf>
{
    /// <summary>Reads half precision numbers; exact for all but the payload of a NaN.</summary>
    static abstract TSelf LoadHalf(ushort* source);

    /// <summary>Reads exponents of a power of two as <see cref="Formats.E8M0.HalfToSingle"/> does.</summary>
    static abstract TSelf LoadHalfPowers(byte* source);

    static abstract TSelf operator -(TSelf value);
}
