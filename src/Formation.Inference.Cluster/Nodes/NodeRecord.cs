using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Cluster.Nodes;

/// <summary>What the gateway holds of a node that it admitted, on disk: not what the node says of itself.</summary>
/// <param name="Pin">The node's key.</param>
/// <param name="Name">The name that it was admitted under.</param>
/// <param name="Region">The region that it was admitted for; empty where that does not matter.</param>
/// <param name="Labels">What the operator says of it, for placement.</param>
/// <param name="IsTrusted">Whether work may go there that only trusted nodes may do.</param>
/// <param name="Joined">When it was admitted.</param>
/// <param name="IsDraining">Whether it is to take no new work.</param>
/// <param name="Removed">When its admission ended, or null.</param>
public sealed record NodeRecord(
    KeyPin Pin,
    string Name,
    string Region,
    IReadOnlyDictionary<string, string> Labels,
    bool IsTrusted,
    DateTimeOffset Joined,
    bool IsDraining = false,
    DateTimeOffset? Removed = null);

/// <summary>What a token is good for, as stored.</summary>
/// <param name="Id">The token's id.</param>
/// <param name="Hash">Hash of its text.</param>
/// <param name="Terms">What the node gets with it.</param>
/// <param name="Expires">From when on it is refused.</param>
/// <param name="UsedBy">The node that it admitted, or null.</param>
public sealed record StoredToken(string Id, byte[] Hash, AdmissionTerms Terms, DateTimeOffset Expires, KeyPin? UsedBy);

/// <summary>What the operator decides about a node before it comes.</summary>
/// <param name="Region">Its region, or null to take the one that it names itself.</param>
/// <param name="Labels">Labels for placement.</param>
/// <param name="IsTrusted">Whether work may go there that only trusted nodes may do.</param>
public sealed record AdmissionTerms(string? Region, IReadOnlyDictionary<string, string> Labels, bool IsTrusted)
{
    /// <summary>No labels, not trusted, in the region that the node names.</summary>
    public static AdmissionTerms Default { get; } = new(null, new Dictionary<string, string>(), false);
}
