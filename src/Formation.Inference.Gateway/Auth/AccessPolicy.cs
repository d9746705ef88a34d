using Formation.Inference.Accounts.Keys;
using Microsoft.AspNetCore.Builder;

namespace Formation.Inference.Gateway.Auth;

/// <summary>Who may call a route. A route that says nothing is open to administrators only.</summary>
/// <param name="Scope">What the caller's key must be good for; <see cref="KeyScopes.None"/> needs no key.</param>
/// <param name="IsOneEnough">Whether one of several scopes lets a caller in, and the route itself asks for the one that a request needs.</param>
internal sealed record AccessPolicy(KeyScopes Scope, bool IsOneEnough = false)
{
    internal static AccessPolicy Administrator { get; } = new(KeyScopes.Administrator);

    /// <summary>Whether a key that is good for some scopes may call the route.</summary>
    internal bool Allows(KeyScopes scopes) => IsOneEnough ? (scopes & Scope) != 0 : (scopes & Scope) == Scope;

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

    /// <summary>Opens the route to keys with one of these scopes; its handler asks for the one that a request needs.</summary>
    internal static T RequireOneScopeOf<T>(this T route, KeyScopes scopes) where T : IEndpointConventionBuilder =>
        route.WithMetadata(new AccessPolicy(scopes, IsOneEnough: true));
}
