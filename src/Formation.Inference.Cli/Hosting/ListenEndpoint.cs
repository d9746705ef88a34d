using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Formation.Inference.Cli.Hosting;

/// <summary>Addresses to listen on for nodes: <c>0.0.0.0:8081</c>, <c>[::]:8081</c>, <c>*:8081</c>, a port alone for all addresses, or <c>off</c>.</summary>
static class ListenEndpoint
{
    /// <summary>Reads the value of an option; null is <c>off</c>.</summary>
    /// <exception cref="CommandException">It is none of these.</exception>
    public static IPEndPoint? Parse(string option, string text)
    {
        if (text == "off")
            return null;
        var colon = text.LastIndexOf(':');
        var host = colon < 0 ? "*" : text[..colon];
        if (int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= 65535 && AddressOf(host) is { } address)
            return new IPEndPoint(address, port);
        throw new CommandException(
            ExitCode.WrongUsage, $"{option} '{text}' is not an address to listen on; write for instance 0.0.0.0:8081, 192.168.1.5:8081 or off");
    }

    /// <summary>All addresses of this machine, of both families where it has both.</summary>
    public static IPAddress Every => Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any;

    private static IPAddress? AddressOf(string host) => host switch
    {
        "*" or "+" or "" => Every,
        "localhost" => IPAddress.Loopback,
        ['[', .. var inner, ']'] => IPAddress.TryParse(inner, out var six) ? six : null,
        _ => IPAddress.TryParse(host, out var address) && address.AddressFamily == AddressFamily.InterNetwork ? address : null,
    };
}
