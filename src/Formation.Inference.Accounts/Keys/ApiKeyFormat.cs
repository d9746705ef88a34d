using System.Buffers.Text;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace Formation.Inference.Accounts.Keys;

/// <summary>
/// The text of a key: <c>fs_live_</c>, ten characters of id, <c>_</c>, 256 random bits as 43 characters of base64url, six characters of
/// checksum. The checksum (CRC-32C of all before it, base 36) catches typing errors and lets secret scanners tell a key from noise.
/// </summary>
internal static class ApiKeyFormat
{
    internal const string Prefix = "fs_live_";
    internal const int Length = 8 + IdLength + 1 + SecretLength + ChecksumLength;

    const int IdLength = 10;
    const int SecretLength = 43;
    const int ChecksumLength = 6;
    const string Base36 = "0123456789abcdefghijklmnopqrstuvwxyz";

    /// <summary>A fresh key's text, and its id.</summary>
    internal static (string Id, string Text) Create()
    {
        string id = RandomNumberGenerator.GetString(Base36, IdLength);
        string body = $"{Prefix}{id}_{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32))}";
        return (id, body + Checksum(body));
    }

    /// <summary>The id in a key's text, or null where the text is not of the form or its checksum is wrong.</summary>
    internal static string? TryGetId(string text)
    {
        if (text.Length != Length || !text.StartsWith(Prefix, StringComparison.Ordinal) || text[Prefix.Length + IdLength] != '_')
            return null;
        string body = text[..^ChecksumLength];
        if (!Ascii.IsValid(text) || text[^ChecksumLength..] != Checksum(body))
            return null;
        return text.Substring(Prefix.Length, IdLength);
    }

    /// <summary>The part of a key that may be shown.</summary>
    internal static string Display(string text) => $"{text[..12]}…{text[^4..]}";

    static string Checksum(string body)
    {
        uint crc = ~0u;
        foreach (char c in body)
            crc = BitOperations.Crc32C(crc, (byte)c);
        crc = ~crc;

        // 36^6 < 2^32, so the highest values wrap: what is left still tells any single wrong character with overwhelming likelihood.
        Span<char> digits = stackalloc char[ChecksumLength];
        for (int i = ChecksumLength - 1; i >= 0; i--)
        {
            digits[i] = Base36[(int)(crc % 36)];
            crc /= 36;
        }

        return new string(digits);
    }
}
