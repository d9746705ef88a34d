using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Formation.Inference.Testing.Databases;

/// <summary>A certificate for a PostgreSQL of the tests, of an authority that nobody else knows.</summary>
public sealed class PostgresCertificate
{
    /// <param name="name">The name of the machine that it is for.</param>
    /// <param name="now">It is valid around this time.</param>
    public PostgresCertificate(string name, DateTimeOffset now)
    {
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authority = new CertificateRequest("CN=Authority of a test", authorityKey, HashAlgorithmName.SHA256);
        authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        authority.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        using var root = authority.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(root, now.AddHours(-12), now.AddHours(12), [1, 2, 3, 4]);
        (RootPem, CertificatePem, KeyPem) = (root.ExportCertificatePem(), certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>The authority's certificate.</summary>
    public string RootPem { get; }

    public string CertificatePem { get; }

    public string KeyPem { get; }

    /// <summary>Where the server listens.</summary>
    public int Port { get; }
}
