using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Cluster.Gateways;

/// <summary>Which one of the gateways decides about deployments. The others serve requests as it does, and take its place when it is gone.</summary>
public interface ILeadership
{
    /// <summary>
    /// Since when this gateway decides, counted over all gateways: whoever decides later has a higher one. Null where another one decides, or
    /// nobody knows.
    /// </summary>
    long? Term { get; }

    /// <summary>The gateway that decides, as far as this one knows, or null.</summary>
    KeyPin? Leader { get; }

    /// <summary>After <see cref="Term"/> has changed; handlers must not block.</summary>
    event Action? Changed;
}
