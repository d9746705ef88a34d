using System.Numerics;

namespace Formation.Inference.Cluster.Weights;

/// <summary>Some of a model's chunks, one bit for each.</summary>
/// <param name="count">Chunks of the model.</param>
public sealed class ChunkSet(int count)
{
    private readonly byte[] _bits = new byte[BytesFor(count)];

    /// <summary>Chunks of the model, in the set or not.</summary>
    public int Capacity => count;

    /// <summary>Chunks in the set.</summary>
    public int Count => _bits.Sum(bits => BitOperations.PopCount(bits));

    /// <summary>The bits, chunk 0 lowest in the first byte.</summary>
    public ReadOnlyMemory<byte> Bytes => _bits;

    /// <summary>All chunks of a model.</summary>
    public static ChunkSet All(int count)
    {
        var all = new ChunkSet(count);
        for (var i = 0; i < count; i++)
            all.Add(i);
        return all;
    }

    /// <summary>Reads a set from outside.</summary>
    /// <exception cref="InvalidDataException">It is not as long as the model's chunks call for, or has others.</exception>
    public static ChunkSet Parse(ReadOnlySpan<byte> bytes, int count)
    {
        if (bytes.Length != BytesFor(count))
            throw new InvalidDataException($"a set of chunks of {bytes.Length} bytes; {BytesFor(count)} are called for");
        if (count % 8 != 0 && bytes[^1] >> (count % 8) != 0)
            throw new InvalidDataException("a set with chunks that the model does not have");
        var set = new ChunkSet(count);
        bytes.CopyTo(set._bits);
        return set;
    }

    /// <summary>Bytes of a set for so many chunks.</summary>
    public static int BytesFor(int count) => (count + 7) / 8;

    /// <summary>The chunks in the set, ascending.</summary>
    public IEnumerable<int> Chunks => Enumerable.Range(0, count).Where(Contains);

    public bool Contains(int chunk)
    {
        Require(chunk);
        return (_bits[chunk / 8] & (1 << (chunk % 8))) != 0;
    }

    public void Add(int chunk)
    {
        Require(chunk);
        _bits[chunk / 8] |= (byte)(1 << (chunk % 8));
    }

    public void Remove(int chunk)
    {
        Require(chunk);
        _bits[chunk / 8] &= (byte)~(1 << (chunk % 8));
    }

    private void Require(int chunk)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(chunk);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(chunk, count);
    }
}
