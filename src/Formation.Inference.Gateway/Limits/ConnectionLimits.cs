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

        // Kestrel's own limit for slow readers allows time for every byte that is written, hours for a long stream; StreamedAnswer has its own.
        kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 240, options.DataRateGracePeriod);
    }
}
