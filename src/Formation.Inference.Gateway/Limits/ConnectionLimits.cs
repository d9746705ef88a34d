using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Formation.Inference.Gateway.Limits;

/// <summary>What one client may cost the server before a request reaches any code of ours.</summary>
internal static class ConnectionLimits
{
    internal static void Apply(KestrelServerOptions kestrel, GatewayOptions options)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = options.MaxConcurrentConnections;
        kestrel.Limits.MaxConcurrentUpgradedConnections = 0;
        kestrel.Limits.MaxRequestBodySize = options.MaxRequestBodyBytes;
        kestrel.Limits.RequestHeadersTimeout = options.RequestHeadersTimeout;
        kestrel.Limits.MaxRequestHeaderCount = 100;
        kestrel.Limits.MaxRequestHeadersTotalSize = 32 * 1024;

        // Slower than this, and a connection costs more than it can be worth: a request ends with 408, a stream is cut and its generation
        // cancelled.
        var rate = new MinDataRate(bytesPerSecond: 240, options.DataRateGracePeriod);
        kestrel.Limits.MinRequestBodyDataRate = rate;
        kestrel.Limits.MinResponseDataRate = rate;
    }
}
