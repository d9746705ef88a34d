using Formation.Inference.Accounts.Keys;
using Microsoft.AspNetCore.Builder;

namespace Formation.Inference.Gateway.Auth;

/// <summary>Who may call a route. A route that says nothing is open to administrators only.</summary>
/// <param name="Scope">What the caller's key must be good for; <see cref="KeyScopes.None"/> needs no key.</param>
internal sealed record AccessPolicy(KeyScopes Scope)
{
    internal static AccessPolicy Administrator { get; } = new(KeyScopes.Administrator);

    internal bool IsPublic => Scope == KeyScopes.None;
}

internal static class AccessPolicyExtensions
{
    /// <summary>Opens the route to everybody.</summary>
    internal static T AllowPublic<T>(this T route) where T : IEndpointConventionBuilder =>
        route.WithMetadata(new AccessPolicy(KeyScopes.None));

    /// <summary>Opens the route to keys with this scope.</summary>
    internal static T RequireScope<T>(this T route, KeyScopes scope) where T : IEndpointConventionBuilder =>
        route.WithMetadata(new AccessPolicy(scope));
}
