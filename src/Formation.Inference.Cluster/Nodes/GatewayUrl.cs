using System.Diagnostics.CodeAnalysis;

namespace Formation.Inference.Cluster.Nodes;

/// <summary>Where a gateway listens for nodes: <c>https://HOST:PORT</c>.</summary>
public static class GatewayUrl
{
    /// <summary>Reads the URL; <c>host:port</c> alone is understood, too.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out Uri? url)
    {
        url = null;
        if (!text.Contains("://", StringComparison.Ordinal))
            text = $"https://{text}";
        if (!Uri.TryCreate(text, UriKind.Absolute, out var parsed) || parsed.Scheme != Uri.UriSchemeHttps || parsed.PathAndQuery != "/"
            || parsed.UserInfo.Length > 0 || parsed.Port <= 0 || text.Length > Control.ControlLimits.Text)
            return false;
        url = parsed;
        return true;
    }
}
