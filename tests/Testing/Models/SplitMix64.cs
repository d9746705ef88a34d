namespace Formation.Inference.Testing.Models;

/// <summary>Steele, Lea and Flood's generator (2014): a file built from a seed has the same bytes on every machine and runtime.</summary>
public sealed class SplitMix64(ulong seed)
{
    private ulong _state = seed;

    /// <summary>A stream of its own for a part of a model, so that parts do not depend on their order.</summary>
    public static SplitMix64 For(ulong seed, string name)
    {
        var hash = 14695981039346656037UL;
        foreach (var character in name)
            hash = (hash ^ character) * 1099511628211UL;
        return new SplitMix64(seed ^ hash);
    }

    public ulong Next()
    {
        var z = _state += 0x9E3779B97F4A7C15UL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }

    /// <summary>An integer from 0 to <paramref name="limit"/> - 1.</summary>
    public int Next(int limit) => (int)(Next() % (ulong)limit);

    /// <summary>A number from 0 to 1, 1 excluded.</summary>
    public double NextUnit() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>A number with mean 0 and standard deviation 1.</summary>
    /// <remarks>A sum of four uniform numbers: additions round alike everywhere, logarithms and cosines do not.</remarks>
    public double NextNormal()
    {
        var sum = NextUnit() + NextUnit() + NextUnit() + NextUnit();
        return (sum - 2) * 1.7320508075688772;
    }

    public void Fill(Span<byte> bytes)
    {
        while (bytes.Length >= sizeof(ulong))
        {
            System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(bytes, Next());
            bytes = bytes[sizeof(ulong)..];
        }
        if (bytes.Length == 0)
            return;
        var last = Next();
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)(last >> (8 * i));
    }
}
