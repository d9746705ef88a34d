using System.Diagnostics;
using System.Security.Cryptography;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Cluster.Tests.Identity;

public sealed class NodeIdentityTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly FakeTimeProvider _clock = new(Certificates.Now);

    private string File => _folder.File("keys/node.pem");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_key_is_made_once_and_found_again()
    {
        using var first = NodeIdentity.LoadOrCreate(File, _clock);
        using var second = NodeIdentity.LoadOrCreate(File, _clock);
        Assert.Equal(first.Pin, second.Pin);
        Assert.Equal(first.Certificate.Thumbprint, second.Certificate.Thumbprint);
        Assert.True(second.Certificate.HasPrivateKey);
    }

    [Fact]
    public void Only_the_owner_may_read_the_key_and_enter_its_folder()
    {
        NodeIdentity.LoadOrCreate(File, _clock).Dispose();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, System.IO.File.GetUnixFileMode(Path.GetDirectoryName(File)!));
        Assert.Equal(["node.pem"], Directory.EnumerateFiles(Path.GetDirectoryName(File)!).Select(Path.GetFileName));
    }

    [Fact]
    public void A_key_that_others_can_read_is_refused()
    {
        NodeIdentity.LoadOrCreate(File, _clock).Dispose();
        System.IO.File.SetUnixFileMode(File, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        Assert.Contains("chmod 600", Assert.Throws<InvalidDataException>(() => NodeIdentity.LoadOrCreate(File, _clock)).Message);
    }

    [Fact]
    public void A_damaged_key_is_told_by_its_file_and_not_replaced()
    {
        NodeIdentity.LoadOrCreate(File, _clock).Dispose();
        var text = System.IO.File.ReadAllText(File);
        foreach (var damaged in (string[])["", text[..100], text.Replace("BEGIN CERTIFICATE", "BEGIN NOTHING"), text[text.IndexOf("-----BEGIN CERT", StringComparison.Ordinal)..]])
        {
            System.IO.File.WriteAllText(File, damaged);
            Assert.Contains(File, Assert.Throws<InvalidDataException>(() => NodeIdentity.LoadOrCreate(File, _clock)).Message);
            Assert.Equal(damaged, System.IO.File.ReadAllText(File));
        }
    }

    [Fact]
    public void A_key_of_another_kind_is_refused()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File)!);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var certificate = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=x", key, HashAlgorithmName.SHA384)
            .CreateSelfSigned(Certificates.Now, Certificates.Now.AddYears(5));
        System.IO.File.WriteAllText(File, $"{key.ExportPkcs8PrivateKeyPem()}\n{certificate.ExportCertificatePem()}\n");
        System.IO.File.SetUnixFileMode(File, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.Contains("P-256", Assert.Throws<InvalidDataException>(() => NodeIdentity.LoadOrCreate(File, _clock)).Message);
    }

    [Theory]
    [InlineData(9.5)]
    [InlineData(11)]
    public void A_certificate_near_or_past_its_end_is_renewed_under_the_same_pin(double years)
    {
        using var first = NodeIdentity.LoadOrCreate(File, _clock);
        _clock.Advance(TimeSpan.FromDays(365 * years));
        using var second = NodeIdentity.LoadOrCreate(File, _clock);
        Assert.Equal(first.Pin, second.Pin);
        Assert.NotEqual(first.Certificate.Thumbprint, second.Certificate.Thumbprint);
        Assert.Null(CertificateCheck.FaultOf(second.Certificate, _clock.GetUtcNow()));
        Assert.True(second.Certificate.HasPrivateKey);
    }

    [Fact]
    public void Of_many_that_start_at_once_all_get_the_same_key()
    {
        var pins = new KeyPin[8];
        Parallel.For(0, pins.Length, i =>
        {
            using var identity = NodeIdentity.LoadOrCreate(File, _clock);
            pins[i] = identity.Pin;
        });
        Assert.Single(pins.Distinct());
        Assert.Single(Directory.EnumerateFiles(Path.GetDirectoryName(File)!));
    }

    /// <summary>OpenSSL, which shares no code with .NET's own reading of certificates, finds the same hash of the public key.</summary>
    [Fact]
    public void The_pin_is_what_openssl_computes()
    {
        using var identity = NodeIdentity.LoadOrCreate(File, _clock);
        var start = new ProcessStartInfo("/bin/sh", ["-c", $"openssl x509 -in '{File}' -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -r"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.SkipWhen(output.Length == 0, "openssl is not installed");
        Assert.Equal(identity.Pin.Text, output.Split(' ')[0].Trim());
    }
}
