namespace Formation.Inference.Engine.Sampling;

/// <summary>
/// Philox4x32-10, a counter-based random number generator (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). A number
/// depends only on key and counter, so a draw depends on seed, choice and position, and never on what else was in the batch.
/// </summary>
internal static class Philox
{
    const uint Multiplier0 = 0xD2511F53, Multiplier1 = 0xCD9E8D57;
    const uint Weyl0 = 0x9E3779B9, Weyl1 = 0xBB67AE85;
    const int Rounds = 10;

    /// <summary>One number, uniform in [0, 1) with 53 bits.</summary>
    /// <param name="seed">The key.</param>
    /// <param name="choice">Index of the choice, from 0.</param>
    /// <param name="position">Index of the token in the completion, from 0.</param>
    public static double NextDouble(long seed, int choice, int position)
    {
        var (a, b, _, _) = Block((uint)position, (uint)choice, 0, 0, (uint)seed, (uint)(seed >> 32));
        var bits = (((ulong)a << 32) | b) >> 11;
        return bits * (1.0 / (1UL << 53));
    }

    /// <summary>The four words for one counter and key.</summary>
    internal static (uint, uint, uint, uint) Block(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1)
    {
        for (var round = 0; round < Rounds; round++)
        {
            var product0 = (ulong)Multiplier0 * c0;
            var product1 = (ulong)Multiplier1 * c2;
            (c0, c1, c2, c3) = ((uint)(product1 >> 32) ^ c1 ^ k0, (uint)product1, (uint)(product0 >> 32) ^ c3 ^ k1, (uint)product0);
            k0 += Weyl0;
            k1 += Weyl1;
        }

        return (c0, c1, c2, c3);
    }
}
