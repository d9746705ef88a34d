using System.Security.Cryptography.X509Certificates;
using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Node.Stages.Transports;

/// <summary>Who is at the other end: the holder of a key, or somebody on the same host.</summary>
public readonly record struct PeerIdentity
{
    /// <summary>Bytes of the hash.</summary>
    public const int Size = KeyPin.ByteCount;

    readonly KeyPin? _pin;

    PeerIdentity(KeyPin pin) => _pin = pin;

    /// <summary>A process that the permissions of a socket's file let in.</summary>
    public static PeerIdentity SameHost => default;

    /// <summary>The pin of the key, or null for <see cref="SameHost"/>.</summary>
    public KeyPin? Pin => _pin;

    /// <summary>The holder of this certificate's key.</summary>
    public static PeerIdentity Of(X509Certificate2 certificate) => Of(KeyPin.Of(certificate));

    /// <summary>The holder of this key; a pin of zeros, which is no key's, stands for <see cref="SameHost"/>.</summary>
    public static PeerIdentity Of(KeyPin pin) => FromHash(pin.ToBytes());

    /// <summary>From 32 bytes as they are on the wire; zeros stand for <see cref="SameHost"/>.</summary>
    public static PeerIdentity FromHash(ReadOnlySpan<byte> hash)
    {
        var pin = KeyPin.FromBytes(hash);
        return hash.IndexOfAnyExcept((byte)0) < 0 ? SameHost : new PeerIdentity(pin);
    }

    /// <summary>The 32 bytes on the wire.</summary>
    public byte[] ToHash() => _pin?.ToBytes() ?? new byte[Size];

    public override string ToString() => _pin is null ? "this host" : _pin.Text[..16];
}
