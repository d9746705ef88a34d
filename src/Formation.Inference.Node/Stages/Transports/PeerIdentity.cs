using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Formation.Inference.Node.Stages.Transports;

/// <summary>Who is at the other end: the SHA-256 of a certificate's public key, or somebody on the same host.</summary>
public readonly record struct PeerIdentity
{
    /// <summary>Bytes of the hash.</summary>
    public const int Size = 32;

    readonly string? _pin;

    PeerIdentity(string pin) => _pin = pin;

    /// <summary>A process that the permissions of a socket's file let in.</summary>
    public static PeerIdentity SameHost => default;

    /// <summary>64 lower-case hexadecimal digits, or empty for <see cref="SameHost"/>.</summary>
    public string Pin => _pin ?? "";

    /// <summary>The holder of this certificate's key: SHA-256 of its SubjectPublicKeyInfo (RFC 7469, section 2.4).</summary>
    public static PeerIdentity Of(X509Certificate2 certificate) =>
        FromHash(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));

    /// <summary>From 32 bytes as they are on the wire; zeros stand for <see cref="SameHost"/>.</summary>
    public static PeerIdentity FromHash(ReadOnlySpan<byte> hash)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(hash.Length, Size);
        return hash.IndexOfAnyExcept((byte)0) < 0 ? SameHost : new PeerIdentity(Convert.ToHexStringLower(hash));
    }

    /// <summary>From 64 hexadecimal digits.</summary>
    /// <exception cref="FormatException">It is not.</exception>
    public static PeerIdentity FromPin(string pin) =>
        pin.Length == 2 * Size
            ? FromHash(Convert.FromHexString(pin))
            : throw new FormatException($"a pin has {2 * Size} digits, not {pin.Length}");

    /// <summary>The 32 bytes on the wire.</summary>
    public byte[] ToHash() => _pin is null ? new byte[Size] : Convert.FromHexString(_pin);

    public override string ToString() => _pin is null ? "this host" : _pin[..16];
}
