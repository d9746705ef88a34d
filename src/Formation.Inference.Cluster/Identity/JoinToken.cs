using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Formation.Inference.Cluster.Identity;

/// <summary>
/// What admits one node, once: <c>fs_join_</c>, ten characters of id, <c>_</c>, 256 random bits and the gateway's pin as 86 characters of
/// base64url, six of a check sum. The gateway knows the node by the secret and the node knows the gateway by the pin, so that one string
/// gives trust in both directions. The check sum catches typing and copying errors, and lets secret scanners tell a token from noise.
/// </summary>
public sealed class JoinToken
{
    public const string Prefix = "fs_join_";

    private const int IdLength = 10;
    private const int SecretBytes = 32;
    private const int BodyLength = 86;
    private const int ChecksumLength = 6;
    private const int Length = 8 + IdLength + 1 + BodyLength + ChecksumLength;

    private const string IdCharacters = "0123456789abcdefghijklmnopqrstuvwxyz";

    private readonly string _text;

    private JoinToken(string text, KeyPin gateway)
    {
        _text = text;
        Gateway = gateway;
    }

    /// <summary>Names the token without giving anything away.</summary>
    public string Id => _text.Substring(Prefix.Length, IdLength);

    /// <summary>The gateway that made it: whom a node must find at the other end before it shows the token.</summary>
    public KeyPin Gateway { get; }

    /// <summary>The whole token, for the one who asked for it.</summary>
    public SensitiveText Text => _text;

    /// <summary>A fresh token of a gateway.</summary>
    public static JoinToken Create(KeyPin gateway)
    {
        var body = Base64Url.EncodeToString([.. RandomNumberGenerator.GetBytes(SecretBytes), .. gateway.ToBytes()]);
        var text = $"{Prefix}{RandomNumberGenerator.GetString(IdCharacters, IdLength)}_{body}";
        return new JoinToken(text + Checksum(text), gateway);
    }

    /// <summary>Reads a token; where it is none, says what is wrong with the text without repeating it.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out JoinToken? token, [NotNullWhen(false)] out string? fault)
    {
        token = null;
        fault = FaultOf(text);
        if (fault is not null)
            return false;
        Span<byte> bytes = stackalloc byte[SecretBytes + KeyPin.ByteCount];
        var body = text.AsSpan(Prefix.Length + IdLength + 1, BodyLength);
        if (!Base64Url.TryDecodeFromChars(body, bytes, out var count) || count != bytes.Length)
        {
            fault = "it holds characters that no token has";
            return false;
        }
        token = new JoinToken(text, KeyPin.FromBytes(bytes[SecretBytes..]));
        return true;
    }

    /// <summary>What is stored in place of the token: SHA-256 of its text. 256 random bits can't be guessed, so a fast hash is enough.</summary>
    public byte[] Hash() => SHA256.HashData(Encoding.ASCII.GetBytes(_text));

    /// <summary>The id only: the token itself is a secret.</summary>
    public override string ToString() => $"join token {Id}";

    private static string? FaultOf(string text)
    {
        if (!text.StartsWith(Prefix, StringComparison.Ordinal))
            return $"it does not begin with {Prefix}";
        if (text.Length != Length)
            return $"it has {text.Length} characters instead of {Length}; a part may be missing";
        if (!Ascii.IsValid(text) || text[Prefix.Length + IdLength] != '_' || text[^ChecksumLength..] != Checksum(text[..^ChecksumLength]))
            return "its check sum is wrong; a character may have been changed";
        return text.AsSpan(Prefix.Length, IdLength).ContainsAnyExcept(IdCharacters) ? "it holds characters that no token has" : null;
    }

    private static string Checksum(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(text)).AsSpan(0, ChecksumLength / 2));
}
