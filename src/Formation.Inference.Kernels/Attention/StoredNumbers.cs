using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Attention;

/// <summary>How the numbers of a tile are read: two at a time that belong to one sum, in each lane.</summary>
internal unsafe interface IStoredNumbers
{
    static abstract int Bytes { get; }

    /// <summary>A power of 2: what <see cref="LoadPair"/> gives is a number's value divided by it.</summary>
    static abstract float Factor { get; }

    /// <summary>Whether they lie in the KV cache, from which the next ones are fetched ahead, and not in scratch memory.</summary>
    static abstract bool AreInCache { get; }

    /// <summary>Whether the two of a pair lie side by side, and not <c>stride</c> bytes apart.</summary>
    static abstract bool ArePaired { get; }

    static abstract (TFloats First, TFloats Second) LoadPair<TFloats>(byte* source, nint stride) where TFloats : struct, IFloats<TFloats>;
}

internal readonly unsafe struct Singles : IStoredNumbers
{
    public static int Bytes => sizeof(float);

    public static float Factor => 1;

    public static bool AreInCache => false;

    public static bool ArePaired => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (TFloats First, TFloats Second) LoadPair<TFloats>(byte* source, nint stride) where TFloats : struct, IFloats<TFloats> =>
        (TFloats.Load((float*)source), TFloats.Load((float*)(source + stride)));
}

/// <summary>Half precision: <see cref="KvCodec"/> stores no infinity and no NaN.</summary>
internal readonly unsafe struct Halves : IStoredNumbers
{
    public static int Bytes => sizeof(ushort);

    public static float Factor => HalfBits.RebiasFactor;

    public static bool AreInCache => true;

    public static bool ArePaired => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (TFloats First, TFloats Second) LoadPair<TFloats>(byte* source, nint stride) where TFloats : struct, IFloats<TFloats> =>
        TFloats.LoadHalfPairs((ushort*)source);
}
