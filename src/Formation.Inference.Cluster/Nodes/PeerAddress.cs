using System.Diagnostics.CodeAnalysis;
using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Cluster.Nodes;

/// <summary>
/// Where a node or a worker is reached: <c>host:port</c>, or <c>relay:PIN</c> for a way through the gateway with that key. The second holds no
/// host, because each node knows best under which address it reaches a gateway.
/// </summary>
public static class PeerAddress
{
    private const string RelayPrefix = "relay:";

    /// <summary>The address of whoever holds a control stream to this gateway.</summary>
    public static string Relay(KeyPin gateway) => RelayPrefix + gateway.Text;

    /// <summary>Whether the text is one of the two.</summary>
    public static bool IsValid(string text) => IsDirect(text) || TryParseRelay(text, out _);

    /// <summary>Whether it can be dialled without anybody's help.</summary>
    public static bool IsDirect(string text) => HostAndPort.TryParse(text, out _, out _);

    /// <param name="text">The address.</param>
    /// <param name="gateway">The key of the gateway that the way leads through.</param>
    public static bool TryParseRelay(string text, [NotNullWhen(true)] out KeyPin? gateway)
    {
        gateway = null;
        return text.StartsWith(RelayPrefix, StringComparison.Ordinal) && KeyPin.TryParse(text[RelayPrefix.Length..], out gateway);
    }

    /// <summary>The gateways that the ways among these addresses lead through, in their order.</summary>
    public static IReadOnlyList<KeyPin> Gateways(IEnumerable<string> addresses) =>
        [.. addresses.Select(address => TryParseRelay(address, out var gateway) ? gateway : null).OfType<KeyPin>()];
}
