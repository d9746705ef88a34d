using System.Net.Security;
using System.Security.Cryptography;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Cluster.Tests.Identity;

public sealed class CertificateCheckTests
{
    private readonly FakeTimeProvider _clock = new(Certificates.Now);

    [Fact]
    public void Each_fault_has_its_own_reason()
    {
        Assert.Null(CertificateCheck.FaultOf(Certificates.Sign(Certificates.Elliptic(ECCurve.NamedCurves.nistP256)), Certificates.Now));
        Assert.Equal(CertificateFault.Missing, CertificateCheck.FaultOf(null, Certificates.Now));
        Assert.Equal(CertificateFault.WrongKind, CertificateCheck.FaultOf(Certificates.Sign(Certificates.Rsa()), Certificates.Now));
        Assert.Equal(
            CertificateFault.WrongKind, CertificateCheck.FaultOf(Certificates.Sign(Certificates.Elliptic(ECCurve.NamedCurves.nistP384)), Certificates.Now));
        Assert.Equal(
            CertificateFault.Expired, CertificateCheck.FaultOf(Certificates.Sign(Certificates.Elliptic(ECCurve.NamedCurves.nistP256), -9, -1), Certificates.Now));
        Assert.Equal(
            CertificateFault.NotYetValid,
            CertificateCheck.FaultOf(Certificates.Sign(Certificates.Elliptic(ECCurve.NamedCurves.nistP256), 1, 9), Certificates.Now));
        Assert.Distinct(Enum.GetValues<CertificateFault>().Select(CertificateCheck.Describe));
    }

    [Fact]
    public void A_check_takes_the_expected_peer_only_and_says_why_not_another()
    {
        var certificate = Certificates.Sign(Certificates.Elliptic(ECCurve.NamedCurves.nistP256));
        var right = PeerCheck.For(KeyPin.Of(certificate), _clock);
        Assert.True(right.Validate(this, certificate, null, SslPolicyErrors.RemoteCertificateChainErrors | SslPolicyErrors.RemoteCertificateNameMismatch));
        Assert.Null(right.Fault);
        Assert.Equal(KeyPin.Of(certificate), right.Pin);

        var wrong = PeerCheck.For(KeyPin.FromBytes(new byte[32]), _clock);
        Assert.False(wrong.Validate(this, certificate, null, SslPolicyErrors.None));
        Assert.Equal(CertificateFault.WrongPeer, wrong.Fault);
    }

    [Fact]
    public void An_expired_certificate_of_the_right_key_is_refused()
    {
        var certificate = Certificates.Sign(Certificates.Elliptic(ECCurve.NamedCurves.nistP256), -9, -1);
        var check = PeerCheck.For(KeyPin.Of(certificate), _clock);
        Assert.False(check.Validate(this, certificate, null, SslPolicyErrors.None));
        Assert.Equal(CertificateFault.Expired, check.Fault);
    }

    [Theory]
    [InlineData("")]
    [InlineData("abc")]
    [InlineData("ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789")]
    [InlineData("zbcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789")]
    [InlineData(null)]
    public void What_is_not_64_lower_case_digits_is_no_pin(string? text) => Assert.False(KeyPin.TryParse(text, out _));

    [Fact]
    public void A_pin_survives_its_text_and_its_bytes()
    {
        var pin = KeyPin.FromBytes(SHA256.HashData("x"u8));
        Assert.True(KeyPin.TryParse(pin.Text, out var read));
        Assert.Equal(pin, read);
        Assert.Equal(pin, KeyPin.FromBytes(pin.ToBytes()));
    }
}
