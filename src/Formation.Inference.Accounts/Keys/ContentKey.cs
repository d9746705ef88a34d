using System.Security.Cryptography;

namespace Formation.Inference.Accounts.Keys;

/// <summary>
/// The key under which a server keeps what users wrote and models said. It comes out of the file <c>accounts.pepper</c>, which every gateway on one
/// database has, so that all of them read what one has kept, and a copy of the database alone is of no use.
/// </summary>
/// <param name="value">256 bits.</param>
public sealed class ContentKey(ReadOnlyMemory<byte> value)
{
    /// <summary>Tells this key from others without giving it away.</summary>
    public byte[] Proof { get; } = HMACSHA256.HashData(value.Span, "contents.proof"u8);

    /// <summary>A key for one purpose, which says nothing about those for others.</summary>
    /// <param name="purpose">The purpose.</param>
    /// <param name="length">Its bytes.</param>
    public byte[] Derive(ReadOnlySpan<byte> purpose, int length)
    {
        var key = new byte[length];
        HKDF.Expand(HashAlgorithmName.SHA256, value.Span, key, purpose);
        return key;
    }

    /// <summary>The key of a data directory, whose <c>accounts.pepper</c> is made (mode 600) where it is missing and nothing depends on it yet.</summary>
    /// <param name="dataDirectory">The directory.</param>
    /// <param name="mayCreate">Whether nothing depends on it yet.</param>
    /// <exception cref="InvalidDataException">The file is missing though it may not be made, or is damaged.</exception>
    /// <exception cref="IOException">The directory can't be written.</exception>
    public static ContentKey Open(string dataDirectory, bool mayCreate)
    {
        PrivateFile.CreateDirectory(dataDirectory);
        return KeyPepper.LoadOrCreate(Path.Combine(dataDirectory, "accounts.pepper"), mayCreate, origin: null).ContentKey();
    }
}
