using System.Net;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Cli.Hosting;

/// <summary>Where a server listens for nodes, and whether somebody asked for it.</summary>
/// <param name="Endpoint">The address and port; port 0 takes a free one.</param>
/// <param name="IsDefault">Nobody asked for it: then the server does without, where the port is taken.</param>
public sealed record ClusterListen(IPEndPoint Endpoint, bool IsDefault)
{
    /// <summary>
    /// Reads <c>--cluster-listen</c>. Not given, it follows <c>--urls</c>: the same address, the next port. So nodes of other machines can come
    /// where clients of other machines can, and a server for one machine opens nothing to others.
    /// </summary>
    /// <returns>Null where it is <c>off</c>.</returns>
    /// <exception cref="CommandException">The value is not an address.</exception>
    public static ClusterListen? Parse(string? text, ListenAddresses addresses)
    {
        if (text is not null)
            return ListenEndpoint.Parse("--cluster-listen", text) is { } endpoint ? new ClusterListen(endpoint, IsDefault: false) : null;
        var first = BindingAddress.Parse(addresses.Urls.Split(';')[0]);
        var address = first.Host switch
        {
            "localhost" => IPAddress.Loopback,
            // A name that is not an address makes the web server listen on all of them.
            _ => IPAddress.TryParse(first.Host.Trim('[', ']'), out var given) ? given : ListenEndpoint.Every,
        };
        return new ClusterListen(new IPEndPoint(address, first.Port is 0 or 65535 ? 0 : first.Port + 1), IsDefault: true);
    }
}
