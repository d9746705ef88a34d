using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Formation.Inference.Cluster.Tests.Fakes;

/// <summary>Certificates of every kind that a peer may show.</summary>
static class Certificates
{
    public static readonly DateTimeOffset Now = new(2026, 11, 23, 6, 0, 0, TimeSpan.Zero);

    public static X509Certificate2 Sign(CertificateRequest request, int firstDay = -1, int lastDay = 1) =>
        request.CreateSelfSigned(Now.AddDays(firstDay), Now.AddDays(lastDay));

    public static CertificateRequest Elliptic(ECCurve curve) => new("CN=test", ECDsa.Create(curve), HashAlgorithmName.SHA256);

    public static CertificateRequest Rsa() => new("CN=test", RSA.Create(2048), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
}
