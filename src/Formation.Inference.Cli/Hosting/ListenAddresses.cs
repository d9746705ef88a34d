using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Cli.Hosting;

/// <summary>The addresses of <c>--urls</c>, checked before anything is opened.</summary>
/// <param name="Urls">As the web server reads them, divided by semicolons.</param>
/// <param name="ReachableFromOutside">Whether one of them is more than this machine's loopback.</param>
public sealed record ListenAddresses(string Urls, bool ReachableFromOutside)
{
    /// <exception cref="CommandException">One is not an http address with a host and a port.</exception>
    public static ListenAddresses Parse(string text)
    {
        var urls = text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (urls.Length == 0)
            throw Wrong(text);
        var outside = false;
        foreach (var url in urls)
        {
            BindingAddress address;
            try
            {
                address = BindingAddress.Parse(url);
            }
            catch (FormatException)
            {
                throw Wrong(url);
            }
            if (address.Scheme != "http" || address.PathBase.Length > 0 || address.Host.Length == 0)
                throw Wrong(url);
            outside |= !(address.Host is "localhost" or "127.0.0.1" or "[::1]");
        }
        return new ListenAddresses(string.Join(';', urls), outside);
    }

    /// <summary>An address that a client on this machine can use: a wildcard becomes loopback.</summary>
    public static string ForClients(string url)
    {
        foreach (var wildcard in (ReadOnlySpan<string>)["//0.0.0.0:", "//[::]:", "//*:", "//+:"])
            url = url.Replace(wildcard, "//127.0.0.1:", StringComparison.Ordinal);
        return url;
    }

    private static CommandException Wrong(string url) =>
        new(ExitCode.WrongUsage, $"--urls '{url}' is not an address to listen on; write for instance http://127.0.0.1:8080 (TLS is a reverse proxy's work)");
}
