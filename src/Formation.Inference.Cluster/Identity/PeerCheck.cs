using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Formation.Inference.Cluster.Identity;

/// <summary>
/// Decides over the other end of one TLS connection, and remembers why: a failed handshake itself tells only that it failed. One for each
/// connection.
/// </summary>
/// <param name="pinFault">What is wrong with a peer of this pin, or null: whether it is known here, or is the one that was meant.</param>
/// <param name="clock">For the certificate's time.</param>
public sealed class PeerCheck(Func<KeyPin, CertificateFault?> pinFault, TimeProvider clock)
{
    /// <summary>The peer's pin, once the handshake has shown it; it holds only where <see cref="Fault"/> is null.</summary>
    public KeyPin? Pin { get; private set; }

    /// <summary>Why the peer was refused, or null.</summary>
    public CertificateFault? Fault { get; private set; }

    /// <summary>Accepts one peer only.</summary>
    public static PeerCheck For(KeyPin expected, TimeProvider clock) =>
        new(pin => pin == expected ? null : CertificateFault.WrongPeer, clock);

    /// <summary>Accepts every certificate of our kind: for a door behind which the pin is asked for again.</summary>
    public static PeerCheck Anyone(TimeProvider clock) => new(_ => null, clock);

    /// <summary>A callback for <see cref="SslStream"/>. What the system thinks of the chain counts for nothing.</summary>
    public bool Validate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        var shown = certificate as X509Certificate2;
        Fault = CertificateCheck.FaultOf(shown, clock.GetUtcNow());
        if (Fault is not null)
            return false;
        try
        {
            Pin = KeyPin.Of(shown!);
        }
        catch (CryptographicException)
        {
            Fault = CertificateFault.WrongKind;
            return false;
        }
        Fault = pinFault(Pin);
        return Fault is null;
    }
}
