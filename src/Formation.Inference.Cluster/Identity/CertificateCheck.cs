using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Formation.Inference.Cluster.Identity;

/// <summary>Why a peer's certificate is refused.</summary>
public enum CertificateFault
{
    /// <summary>The peer showed none.</summary>
    Missing,

    /// <summary>Its key is not ECDSA P-256, which every identity of ours is.</summary>
    WrongKind,

    /// <summary>It is not valid yet: one of the two clocks is wrong.</summary>
    NotYetValid,

    /// <summary>Its time is over, or one of the two clocks is wrong.</summary>
    Expired,

    /// <summary>Nobody here has admitted its key.</summary>
    Unknown,

    /// <summary>Its key is another one than that of the peer that was meant.</summary>
    WrongPeer,
}

/// <summary>What a certificate must be whoever shows it. Issuer, chain and names count for nothing: whose key it is, its pin says.</summary>
public static class CertificateCheck
{
    private const string P256 = "1.2.840.10045.3.1.7";

    /// <summary>What is wrong with a certificate at this time, or null.</summary>
    public static CertificateFault? FaultOf(X509Certificate2? certificate, DateTimeOffset now)
    {
        if (certificate is null)
            return CertificateFault.Missing;
        if (!HasOurKindOfKey(certificate))
            return CertificateFault.WrongKind;
        if (now.UtcDateTime < certificate.NotBefore.ToUniversalTime())
            return CertificateFault.NotYetValid;
        return now.UtcDateTime > certificate.NotAfter.ToUniversalTime() ? CertificateFault.Expired : null;
    }

    /// <summary>A sentence for people.</summary>
    public static string Describe(CertificateFault fault) => fault switch
    {
        CertificateFault.Missing => "the peer showed no certificate",
        CertificateFault.WrongKind => "the peer's certificate is not of the kind that nodes make (ECDSA P-256)",
        CertificateFault.NotYetValid => "the peer's certificate is not valid yet; compare the clocks of the two machines",
        CertificateFault.Expired => "the peer's certificate has expired; compare the clocks of the two machines, or start the peer again to renew it",
        CertificateFault.Unknown => "the peer's certificate is unknown here; it was never admitted, or was removed",
        _ => "the peer's certificate belongs to another machine than the one that was meant",
    };

    private static bool HasOurKindOfKey(X509Certificate2 certificate)
    {
        try
        {
            using var key = certificate.GetECDsaPublicKey();
            return key?.ExportParameters(includePrivateParameters: false).Curve.Oid?.Value == P256;
        }
        // A curve that the system does not know, or one that is spelled out: no key of ours.
        catch (Exception error) when (error is CryptographicException or NotSupportedException)
        {
            return false;
        }
    }
}
