using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Formation.Inference.Cluster.Identity;

/// <summary>
/// TLS as all connections between nodes and gateways have it: version 1.3 and no other, a certificate on both sides, trust by pin. The
/// options fit <see cref="SslStream"/>, HTTP clients and web servers alike.
/// </summary>
public static class PinnedTls
{
    /// <summary>For the side that dials.</summary>
    /// <param name="identity">Who dials.</param>
    /// <param name="check">Decides over the other side.</param>
    /// <param name="protocols">What is spoken on the connection (ALPN); none where that is agreed on elsewhere.</param>
    public static SslClientAuthenticationOptions Client(NodeIdentity identity, PeerCheck check, params SslApplicationProtocol[] protocols) =>
        Client(identity.Certificate, check.Validate, protocols);

    /// <summary>For the side that dials, by a caller with a certificate and a check of its own.</summary>
    /// <param name="certificate">What this side shows, with its private key.</param>
    /// <param name="check">Decides over the other side.</param>
    /// <param name="protocols">What is spoken on the connection (ALPN); none where that is agreed on elsewhere.</param>
    public static SslClientAuthenticationOptions Client(
        X509Certificate2 certificate, RemoteCertificateValidationCallback check, params SslApplicationProtocol[] protocols) => new()
        {
            EnabledSslProtocols = SslProtocols.Tls13,
            ClientCertificateContext = Context(certificate),
            RemoteCertificateValidationCallback = check,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            // A resumed session shows no certificate: each handshake is checked in full, so that a removed node finds no way back.
            AllowTlsResume = false,
            ApplicationProtocols = protocols.Length > 0 ? [.. protocols] : null,
            // Names say nothing here, and an address would be told to whoever listens on the way.
            TargetHost = "formation",
        };

    /// <summary>For the side that is dialled.</summary>
    /// <inheritdoc cref="Client(NodeIdentity, PeerCheck, SslApplicationProtocol[])"/>
    public static SslServerAuthenticationOptions Server(NodeIdentity identity, PeerCheck check, params SslApplicationProtocol[] protocols) =>
        Server(identity.Certificate, check.Validate, protocols);

    /// <summary>For the side that is dialled, by a caller with a certificate and a check of its own.</summary>
    /// <inheritdoc cref="Client(X509Certificate2, RemoteCertificateValidationCallback, SslApplicationProtocol[])"/>
    public static SslServerAuthenticationOptions Server(
        X509Certificate2 certificate, RemoteCertificateValidationCallback check, params SslApplicationProtocol[] protocols) => new()
        {
            EnabledSslProtocols = SslProtocols.Tls13,
            ServerCertificateContext = Context(certificate),
            ClientCertificateRequired = true,
            RemoteCertificateValidationCallback = check,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            AllowTlsResume = false,
            AllowRenegotiation = false,
            ApplicationProtocols = protocols.Length > 0 ? [.. protocols] : null,
        };

    // Offline: the certificate is its own chain, and nothing is to be fetched for it.
    private static SslStreamCertificateContext Context(X509Certificate2 certificate) =>
        SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true);
}
