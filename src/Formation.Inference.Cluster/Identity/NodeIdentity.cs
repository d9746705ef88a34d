using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Formation.Inference.Storage;

namespace Formation.Inference.Cluster.Identity;

/// <summary>
/// The key pair that a node or gateway is known by: ECDSA P-256, made on the machine itself and never leaving it, with a certificate that it
/// signed itself, because peers trust pins and no authority. Safe to use from any thread.
/// </summary>
public sealed class NodeIdentity : IDisposable
{
    private const UnixFileMode OthersMayRead =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Trust lies in the pin; the end of a certificate's time is there because the format wants one.</summary>
    private static readonly TimeSpan Validity = TimeSpan.FromDays(3650);

    /// <summary>A certificate with less time left is replaced at the next start, under the same key and so the same pin.</summary>
    private static readonly TimeSpan RenewalMargin = TimeSpan.FromDays(365);

    /// <summary>How far the clocks of two machines may differ before one takes the other's new certificate for one of the future.</summary>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromDays(1);

    private NodeIdentity(X509Certificate2 certificate)
    {
        Certificate = certificate;
        Pin = KeyPin.Of(certificate);
    }

    /// <summary>The certificate with its private key. Disposed with this.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>What others know this key by.</summary>
    public KeyPin Pin { get; }

    /// <summary>
    /// Reads the identity from a PEM file, or makes it where there is none: a new file with mode 600, in a folder with mode 700. Of several
    /// processes that start at once on one folder, all get the same.
    /// </summary>
    /// <exception cref="InvalidDataException">The file is damaged, holds another kind of key, or can be read by other users.</exception>
    /// <exception cref="IOException">The file can't be read or written.</exception>
    public static NodeIdentity LoadOrCreate(string path, TimeProvider clock)
    {
        if (!File.Exists(path))
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using var certificate = Sign(key, clock.GetUtcNow());
            PrivateFolder.Create(Path.GetDirectoryName(path)!);
            FirstFile.TryCreate(path, Pem(key, certificate), WholeFile.OwnerOnly);
        }
        return Load(path, clock);
    }

    /// <summary>An identity that lives as long as this process: for a worker, which nobody needs to know again.</summary>
    public static NodeIdentity CreateInMemory(TimeProvider clock)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new NodeIdentity(Sign(key, clock.GetUtcNow()));
    }

    public void Dispose() => Certificate.Dispose();

    private static NodeIdentity Load(string path, TimeProvider clock)
    {
        if ((File.GetUnixFileMode(path) & OthersMayRead) != 0)
            throw new InvalidDataException(
                $"The key in '{path}' can be read or changed by other users of this machine (mode {File.GetUnixFileMode(path)}). Run 'chmod 600' on it where "
                + "nobody has read it, or delete it and admit this node anew.");
        try
        {
            var pem = File.ReadAllText(path);
            var certificate = X509Certificate2.CreateFromPem(pem, pem);
            if (CertificateCheck.FaultOf(certificate, clock.GetUtcNow()) is not { } fault)
                return NeedsRenewal(certificate, clock) ? Renew(path, certificate, clock) : new NodeIdentity(certificate);
            if (fault is not (CertificateFault.Expired or CertificateFault.NotYetValid))
                throw new InvalidDataException($"The key in '{path}' is not of the kind that this program makes (ECDSA P-256).");
            return Renew(path, certificate, clock);
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw new InvalidDataException($"The key in '{path}' is damaged. Restore the file from a copy, or delete it and admit this node anew.", error);
        }
    }

    private static bool NeedsRenewal(X509Certificate2 certificate, TimeProvider clock) =>
        certificate.NotAfter.ToUniversalTime() - clock.GetUtcNow().UtcDateTime < RenewalMargin;

    private static NodeIdentity Renew(string path, X509Certificate2 old, TimeProvider clock)
    {
        using (old)
        using (var key = old.GetECDsaPrivateKey()!)
        {
            var renewed = Sign(key, clock.GetUtcNow());
            WholeFile.Write(path, Pem(key, renewed), WholeFile.OwnerOnly);
            return new NodeIdentity(renewed);
        }
    }

    private static X509Certificate2 Sign(ECDsa key, DateTimeOffset now)
    {
        var request = new CertificateRequest("CN=formation", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        // Both roles: who dials whom depends on the network between two nodes, not on what they are.
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(
            [new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        return request.CreateSelfSigned(now - ClockTolerance, now + Validity);
    }

    private static byte[] Pem(ECDsa key, X509Certificate2 certificate) =>
        System.Text.Encoding.ASCII.GetBytes($"{key.ExportPkcs8PrivateKeyPem()}\n{certificate.ExportCertificatePem()}\n");
}
