namespace Formation.Inference.Accounts.Keys;

/// <summary>What is known of a key; its secret is not among it.</summary>
/// <param name="Id">The ten characters that name the key in the key itself, in lists and in logs.</param>
/// <param name="Name">What its owner calls it.</param>
/// <param name="AccountId">The account on whose behalf requests with this key run.</param>
/// <param name="Scopes">What it may be used for.</param>
/// <param name="Display">Beginning and last four characters, enough to recognise it: <c>fs_live_k3v9…x8Qz</c>.</param>
/// <param name="Created">When it was made (UTC).</param>
public sealed record ApiKey(string Id, string Name, string AccountId, KeyScopes Scopes, string Display, DateTimeOffset Created)
{
    /// <summary>From when on it is refused, or null.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>When it was revoked, or null.</summary>
    public DateTimeOffset? Revoked { get; init; }

    /// <summary>The last day (UTC) on which it was accepted, or null.</summary>
    public DateOnly? LastUsed { get; init; }

    /// <summary>Whether it is accepted at this time.</summary>
    public bool IsValidAt(DateTimeOffset time) => Revoked is null && (Expires is not { } expires || time < expires);
}

/// <summary>A key that was just made.</summary>
/// <param name="Key">What the store keeps.</param>
/// <param name="Plaintext">The key itself; nothing can show it a second time.</param>
public sealed record NewApiKey(ApiKey Key, SensitiveText Plaintext);
