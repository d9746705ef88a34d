using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Node.Stages.Transports;

/// <summary>
/// <see cref="PinnedTls"/> by blocking threads. Names, chains and dates do not count: a peer is the hash of its public key, and who that is
/// stands in the network's records.
/// </summary>
internal static class TlsHandshake
{
    /// <param name="transport">Read and written by blocking, with a read timeout; belongs to the channel, also where none comes about.</param>
    /// <param name="abort">Ends what blocks there.</param>
    /// <exception cref="AuthenticationException">The peer is not the one expected, or speaks no TLS 1.3; the message says which.</exception>
    public static StageChannel AsClient(
        Stream transport, Action abort, StageCredentials credentials, PeerIdentity expected, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var fault = "";
        var options = PinnedTls.Client(credentials.Certificate, (_, certificate, _, _) =>
        {
            fault = FaultOf(certificate, peer => peer == expected ? "" : $"{expected} is expected there, and the peer is {peer}");
            return fault.Length == 0;
        });
        return Complete(transport, abort, timeout, cancellationToken, () => fault, tls => tls.AuthenticateAsClient(options));
    }

    /// <inheritdoc cref="AsClient"/>
    public static StageChannel AsServer(Stream transport, Action abort, StageCredentials credentials, TimeSpan timeout)
    {
        var fault = "";
        var options = PinnedTls.Server(credentials.Certificate, (_, certificate, _, _) =>
        {
            fault = FaultOf(certificate, peer => credentials.IsKnown(peer) ? "" : $"{peer} is not a known peer");
            return fault.Length == 0;
        });
        return Complete(transport, abort, timeout, CancellationToken.None, () => fault, tls => tls.AuthenticateAsServer(options));
    }

    static string FaultOf(X509Certificate? certificate, Func<PeerIdentity, string> check)
    {
        if (certificate is not X509Certificate2 shown)
            return "the peer showed no certificate";
        try
        {
            return check(PeerIdentity.Of(shown));
        }
        catch (CryptographicException unreadable)
        {
            return $"the peer's certificate can't be read: {unreadable.Message}";
        }
    }

    static StageChannel Complete(
        Stream transport, Action abort, TimeSpan timeout, CancellationToken cancellationToken, Func<string> fault, Action<SslStream> authenticate)
    {
        transport.ReadTimeout = (int)timeout.TotalMilliseconds;
        var tls = new SslStream(transport, leaveInnerStreamOpen: false);
        try
        {
            using (cancellationToken.UnsafeRegister(static state => ((Action)state!)(), abort))
                authenticate(tls);
            transport.ReadTimeout = Timeout.Infinite;
            return new StageChannel(tls, PeerIdentity.Of((X509Certificate2)tls.RemoteCertificate!), abort)
            {
                Transport = transport as SpinningStream,
            };
        }
        catch (Exception failure)
        {
            tls.Dispose();
            if (fault() is { Length: > 0 } reason)
                throw new AuthenticationException(reason, failure);
            throw;
        }
    }
}
