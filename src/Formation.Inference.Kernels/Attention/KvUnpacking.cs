using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Attention;

/// <summary>Converts what half a tile (its keys or its values) holds to float32.</summary>
internal static unsafe class KvUnpacking
{
    /// <summary>Converts rows of pairs of halves, each into two rows of float32.</summary>
    /// <param name="source">Shape: (pairs, width, 2).</param>
    /// <param name="unpacked">Shape: (2 · pairs, width).</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pairs<TFloats>(ushort* source, int pairs, int width, float* unpacked) where TFloats : struct, IFloats<TFloats>
    {
        var factor = TFloats.Broadcast(Halves.Factor);
        for (var pair = 0; pair < pairs; pair++)
        {
            var i = 0;
            for (; i <= width - TFloats.Count; i += TFloats.Count)
            {
                var (first, second) = TFloats.LoadHalfPairs(source + 2 * i);
                (first * factor).Store(unpacked + i);
                (second * factor).Store(unpacked + width + i);
            }
            for (; i < width; i++)
            {
                unpacked[i] = HalfBits.ToSingle(source[2 * i]);
                unpacked[width + i] = HalfBits.ToSingle(source[2 * i + 1]);
            }
            source += 2 * width;
            unpacked += 2 * width;
        }
    }

    /// <summary>Converts the scales of half a tile.</summary>
    /// <param name="scales">Shape: (headSize / 32, 16), rows <see cref="AttentionOrder.BlockPositions"/> floats apart.</param>
    public static void Scales<TFloats>(KvLayout layout, byte* half, float* scales) where TFloats : struct, IFloats<TFloats>
    {
        var source = (ushort*)(half + layout.ScalesOffset);
        for (var group = 0; group < layout.HeadSize / KvLayout.ScaledValues; group++)
        {
            for (var i = 0; i < KvLayout.TilePositions; i += TFloats.Count)
            {
                TFloats.LoadFiniteHalf(source + KvLayout.ScaleIndex(group, i))
                    .Store(scales + group * AttentionOrder.BlockPositions + i);
            }
        }
    }
}
