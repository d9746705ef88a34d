using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace Formation.Inference.Cluster.Nodes;

/// <summary>Addresses as <c>host:port</c>, with IPv6 in brackets.</summary>
public static class HostAndPort
{
    private const int LongestHost = 253;

    public static string Format(string host, int port) =>
        host.Contains(':') ? $"[{host}]:{port.ToString(CultureInfo.InvariantCulture)}" : $"{host}:{port.ToString(CultureInfo.InvariantCulture)}";

    /// <param name="text">The address.</param>
    /// <param name="host">A host name or IP address, without brackets.</param>
    /// <param name="port">1 to 65535.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out string? host, out int port)
    {
        host = null;
        port = 0;
        var colon = text.LastIndexOf(':');
        if (colon <= 0 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is 0 or > 65535)
            return false;
        var name = text[..colon];
        if (name is ['[', .. var inner, ']'])
            name = IPAddress.TryParse(inner, out var address) && address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? inner : "";
        else if (!name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'))
            name = "";
        host = name.Length is > 0 and <= LongestHost ? name : null;
        return host is not null;
    }
}
