using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Errors;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Formation.Inference.Gateway.Auth;

/// <summary>Step 1 of the request path, first half: who calls, and may they call this?</summary>
internal sealed class AuthenticationMiddleware(RequestDelegate next, GatewayOptions options)
{
    public async Task InvokeAsync(HttpContext context)
    {
        // Only a RouteEndpoint runs code of ours: the rest are routing's own 404, 405 and 415.
        if (context.GetEndpoint() is RouteEndpoint endpoint)
        {
            AccessPolicy policy = endpoint.Metadata.GetMetadata<AccessPolicy>() ?? AccessPolicy.Administrator;
            if (!policy.IsPublic)
                context.Features.Set(await AuthenticateAsync(context, policy));
        }

        await next(context);
    }

    async ValueTask<Caller> AuthenticateAsync(HttpContext context, AccessPolicy policy)
    {
        if (options.Authentication is not GatewayAuthentication.WithKeys { Store: var store })
            return Caller.Anonymous;
        string presented = PresentedKey.Read(context.Request);
        ApiKey key = await store.VerifyAsync(presented, context.RequestAborted) ?? throw new ApiErrorException(ApiErrors.InvalidKey);
        if (!policy.Allows(key.Scopes))
            throw new ApiErrorException(ApiErrors.MissingScope(policy.Scope.ToString()));
        return new Caller(key.AccountId, key.Scopes);
    }
}
