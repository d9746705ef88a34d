using System.Security.Cryptography;
using System.Text;
using Formation.Inference.Accounts.Keys;

namespace Formation.Inference.Gateway.Contents;

/// <summary>
/// Encrypts what is kept (AES-256-GCM), each thing under a key of its own that its place in the database is part of: a row that is copied to another
/// account, id or column can't be read there.
/// </summary>
internal sealed class ContentCipher(ContentKey key)
{
    const byte Version = 1;
    const int NonceLength = 12;
    const int TagLength = 16;
    const int KeyLength = 32;

    /// <summary>Bytes that encrypting adds.</summary>
    internal const int Overhead = 1 + NonceLength + TagLength;

    /// <param name="content">What to encrypt.</param>
    /// <param name="place">Where it will stand, for instance table, column, account and id.</param>
    internal byte[] Encrypt(ReadOnlySpan<byte> content, params ReadOnlySpan<string> place)
    {
        var sealedContent = new byte[Overhead + content.Length];
        sealedContent[0] = Version;
        Span<byte> nonce = sealedContent.AsSpan(1, NonceLength), tag = sealedContent.AsSpan(1 + NonceLength, TagLength);
        RandomNumberGenerator.Fill(nonce);
        using var cipher = new AesGcm(KeyOf(place), TagLength);
        cipher.Encrypt(nonce, content, sealedContent.AsSpan(Overhead), tag);
        return sealedContent;
    }

    /// <exception cref="InvalidDataException">It was not written for this place with this key.</exception>
    internal byte[] Decrypt(byte[] sealedContent, params ReadOnlySpan<string> place)
    {
        if (sealedContent.Length < Overhead || sealedContent[0] != Version)
            throw new InvalidDataException("A row of kept contents is damaged, or a newer version wrote it.");
        var content = new byte[sealedContent.Length - Overhead];
        using var cipher = new AesGcm(KeyOf(place), TagLength);
        try
        {
            cipher.Decrypt(
                sealedContent.AsSpan(1, NonceLength), sealedContent.AsSpan(Overhead), sealedContent.AsSpan(1 + NonceLength, TagLength), content);
        }
        catch (AuthenticationTagMismatchException)
        {
            throw new InvalidDataException("A row of kept contents is damaged, or belongs elsewhere.");
        }

        return content;
    }

    /// <summary>Stands for a text where the database has to find it: the same for the same text and place, and nothing that the text could be told from.</summary>
    internal string TagOf(params ReadOnlySpan<string> place) => Convert.ToHexStringLower(KeyOf(place).AsSpan(0, TagLength));

    byte[] KeyOf(ReadOnlySpan<string> place)
    {
        // Lengths stand between the parts, so that no two places read the same.
        var purpose = new StringBuilder();
        foreach (string part in place)
            purpose.Append(part.Length).Append(':').Append(part);
        return key.Derive(Encoding.UTF8.GetBytes(purpose.ToString()), KeyLength);
    }
}
