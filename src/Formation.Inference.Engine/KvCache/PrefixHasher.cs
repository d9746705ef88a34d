using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Formation.Inference.Engine.KvCache;

/// <summary>
/// Chains keys over the full blocks of a token sequence with HMAC-SHA-256. The chain begins with the account, so no account ever sees
/// another's hit, and the secret is the engine's own, so keys can't be computed outside it.
/// </summary>
/// <param name="secret">32 random bytes, one set for each engine instance.</param>
/// <param name="blockSize">Positions in a block.</param>
internal sealed class PrefixHasher(byte[] secret, int blockSize)
{
    const int KeyBytes = 32;

    // The first byte of a message tells its kind, so that an account's id can't imitate a block.
    const byte AccountTag = 1, BlockTag = 2;

    /// <summary>Positions in a block.</summary>
    public int BlockSize => blockSize;

    /// <summary>The key before the first block.</summary>
    public PrefixKey Root(string accountId)
    {
        var message = new byte[1 + Encoding.UTF8.GetByteCount(accountId)];
        message[0] = AccountTag;
        Encoding.UTF8.GetBytes(accountId, message.AsSpan(1));
        return Hash(message);
    }

    /// <summary>The key of the block that follows another.</summary>
    /// <param name="previous">The key of the block before, or <see cref="Root"/>.</param>
    /// <param name="tokens">The block's tokens, exactly <see cref="BlockSize"/>.</param>
    public PrefixKey Next(PrefixKey previous, ReadOnlySpan<int> tokens)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(tokens.Length, blockSize);
        Span<byte> message = stackalloc byte[1 + KeyBytes + blockSize * sizeof(int)];
        message[0] = BlockTag;
        MemoryMarshal.Write(message[1..], in previous);
        for (var i = 0; i < tokens.Length; i++)
            BinaryPrimitives.WriteInt32LittleEndian(message[(1 + KeyBytes + i * sizeof(int))..], tokens[i]);
        return Hash(message);
    }

    /// <summary>The keys of all full blocks of a prompt.</summary>
    public PrefixKey[] KeysOf(string accountId, ReadOnlySpan<int> prompt)
    {
        var keys = new PrefixKey[prompt.Length / blockSize];
        var key = Root(accountId);
        for (var block = 0; block < keys.Length; block++)
            keys[block] = key = Next(key, prompt.Slice(block * blockSize, blockSize));
        return keys;
    }

    PrefixKey Hash(ReadOnlySpan<byte> message)
    {
        Span<byte> hash = stackalloc byte[KeyBytes];
        HMACSHA256.HashData(secret, message, hash);
        return MemoryMarshal.Read<PrefixKey>(hash);
    }
}
