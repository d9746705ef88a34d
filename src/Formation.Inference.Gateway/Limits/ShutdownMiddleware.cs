using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Errors;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace Formation.Inference.Gateway.Limits;

/// <summary>
/// Once the server stops, turns away what comes on connections that are still open (health checks excepted); what runs goes on.
/// </summary>
internal sealed class ShutdownMiddleware(RequestDelegate next, IHostApplicationLifetime lifetime)
{
    public Task InvokeAsync(HttpContext context)
    {
        bool isPublic = context.GetEndpoint()?.Metadata.GetMetadata<AccessPolicy>() is { IsPublic: true };
        if (isPublic || !lifetime.ApplicationStopping.IsCancellationRequested)
            return next(context);
        context.Response.Headers.Connection = "close";
        throw new ApiErrorException(ApiErrors.ShuttingDown);
    }
}
