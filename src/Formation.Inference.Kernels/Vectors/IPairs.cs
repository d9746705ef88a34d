namespace Formation.Inference.Kernels.Vectors;

/// <summary>
/// One register of pairs of int16, or of the int32 sums of their products. All of it is exact as long as no sum leaves int32, so every
/// width and every order give the same numbers.
/// </summary>
internal unsafe interface IPairs<TSelf, TFloats> : ISums<TSelf>
    where TSelf : struct, IPairs<TSelf, TFloats>
    where TFloats : struct, IFloats<TFloats>
{
    /// <summary>Reads a pair of int8 for each of <typeparamref name="TFloats"/>' lanes.</summary>
    static abstract TSelf LoadBytes(sbyte* source);

    /// <summary>The same pair in all lanes.</summary>
    static abstract TSelf Broadcast(short* pair);

    /// <summary>int32 sums, each rounded to the nearest float32.</summary>
    TFloats ToFloats();
}
