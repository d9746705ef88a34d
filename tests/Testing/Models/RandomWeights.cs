using System.Buffers.Binary;
using System.Collections.Frozen;
using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Testing.Models;

/// <summary>
/// Random weights written straight as blocks of a storage format. No quantiser of ours takes part, so reading is tested against something
/// that was not made by the same hands: quants are random bits, and the block's scales give the values the wanted spread.
/// </summary>
public static class RandomWeights
{
    /// <param name="ScaleOffset">Byte of the block's scale: a half, or an exponent.</param>
    /// <param name="Spread">Standard deviation of a value, in units of the scale, when all quants and sub-scales are uniform.</param>
    /// <param name="MinimumOffset">Byte of the block's minimum (or of its factor), a half; -1 where there is none.</param>
    /// <param name="MinimumRatio">Minimum in units of the scale at which values have mean 0.</param>
    /// <param name="HasExponent">Whether the scale is one byte e that stands for 2^(e - 128).</param>
    private sealed record Recipe(
        int ScaleOffset, double Spread, int MinimumOffset = -1, double MinimumRatio = 0, bool HasExponent = false);

    private static readonly FrozenDictionary<TensorType, Recipe> Recipes = new Dictionary<TensorType, Recipe>
    {
        [TensorType.Q4_0] = new(0, 4.6),
        [TensorType.Q4_1] = new(0, 4.6, 2, -7.5),
        [TensorType.Q5_0] = new(0, 9.2),
        [TensorType.Q5_1] = new(0, 9.2, 2, -15.5),
        [TensorType.Q8_0] = new(0, 73.9),
        [TensorType.Q2_K] = new(80, 13.9, 82, 1.5),
        [TensorType.Q3_K] = new(108, 43.4),
        [TensorType.Q4_K] = new(0, 258, 2, 7.5),
        [TensorType.Q5_K] = new(0, 527, 2, 15.5),
        [TensorType.Q6_K] = new(208, 1365),
        [TensorType.IQ4_NL] = new(0, 67.2),
        [TensorType.IQ4_XS] = new(0, 1246),
        [TensorType.MXFP4] = new(0, 5.85, HasExponent: true),
    }.ToFrozenDictionary();

    /// <summary>Writes <paramref name="count"/> values, a whole number of blocks, a few kilobytes at a time.</summary>
    /// <param name="mean">Mean of the values; only for the formats without blocks.</param>
    public static void Write(Stream stream, TensorType type, long count, double deviation, SplitMix64 random, double mean = 0)
    {
        var info = TensorTypeInfo.Of(type);
        var buffer = new byte[4096 / info.BlockBytes * info.BlockBytes];
        for (var remaining = count / info.BlockSize; remaining > 0;)
        {
            var blocks = (int)Math.Min(remaining, buffer.Length / info.BlockBytes);
            var bytes = buffer.AsSpan(0, blocks * info.BlockBytes);
            if (info.BlockSize == 1)
                FillPlain(bytes, type, deviation, mean, random);
            else
                FillBlocks(bytes, info, deviation, random);
            stream.Write(bytes);
            remaining -= blocks;
        }
    }

    /// <summary>Values as bytes.</summary>
    public static byte[] Bytes(TensorType type, long count, double deviation, SplitMix64 random, double mean = 0)
    {
        var stream = new MemoryStream();
        Write(stream, type, count, deviation, random, mean);
        return stream.ToArray();
    }

    private static void FillPlain(Span<byte> bytes, TensorType type, double deviation, double mean, SplitMix64 random)
    {
        var size = TensorTypeInfo.Of(type).BlockBytes;
        for (var i = 0; i < bytes.Length; i += size)
        {
            var value = (float)(mean + (deviation * random.NextNormal()));
            switch (type)
            {
                case TensorType.F32:
                    BinaryPrimitives.WriteSingleLittleEndian(bytes[i..], value);
                    break;
                case TensorType.F16:
                    BinaryPrimitives.WriteHalfLittleEndian(bytes[i..], (Half)value);
                    break;
                case TensorType.BF16:
                    BinaryPrimitives.WriteUInt16LittleEndian(bytes[i..], (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16));
                    break;
                default:
                    throw new ArgumentOutOfRangeException(nameof(type), type, "has no recipe for random weights");
            }
        }
    }

    private static void FillBlocks(Span<byte> bytes, TensorTypeInfo info, double deviation, SplitMix64 random)
    {
        if (!Recipes.TryGetValue(info.Type, out var recipe))
            throw new ArgumentOutOfRangeException(nameof(info), info.Type, "has no recipe for random weights");
        random.Fill(bytes);
        for (var start = 0; start < bytes.Length; start += info.BlockBytes)
        {
            var block = bytes.Slice(start, info.BlockBytes);
            var scale = deviation / recipe.Spread * (0.75 + (0.5 * random.NextUnit()));
            if (recipe.HasExponent)
                block[recipe.ScaleOffset] = (byte)(Math.Round(Math.Log2(scale)) + 128);
            else
                BinaryPrimitives.WriteHalfLittleEndian(block[recipe.ScaleOffset..], (Half)scale);
            if (recipe.MinimumOffset >= 0)
                BinaryPrimitives.WriteHalfLittleEndian(block[recipe.MinimumOffset..], (Half)(scale * recipe.MinimumRatio));
        }
    }
}
