using Formation.Inference.Accounts.Keys;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.Auth;

/// <summary>On whose behalf a request runs.</summary>
/// <param name="AccountId">The account.</param>
/// <param name="Scopes">What it may do here.</param>
internal sealed record Caller(string AccountId, KeyScopes Scopes)
{
    internal static Caller Anonymous { get; } = new(GatewayAuthentication.Anonymous.AccountId, KeyScopes.Administrator);

    /// <summary>The caller of a request that passed <see cref="AuthenticationMiddleware"/>.</summary>
    internal static Caller Of(HttpContext context) =>
        context.Features.Get<Caller>() ?? throw new InvalidOperationException("The route is public: it has no caller.");
}
