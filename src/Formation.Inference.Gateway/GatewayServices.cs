using Formation.Inference.Gateway.Anthropic;
using Formation.Inference.Gateway.Batches;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.HuggingFace;
using Formation.Inference.Gateway.Limits;
using Formation.Inference.Gateway.OpenAI;
using Formation.Inference.Gateway.OpenApi;
using Formation.Inference.Gateway.Streaming;
using Formation.Inference.Gateway.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Formation.Inference.Gateway;

/// <summary>Adds the gateway to a host: all that it needs, and nothing that starts or listens by itself.</summary>
public static class GatewayServices
{
    /// <param name="builder">The host; <see cref="WebApplication.CreateSlimBuilder()"/> is enough.</param>
    /// <param name="backend">What runs generations. Not disposed by the host.</param>
    /// <param name="catalog">The models that callers can name.</param>
    /// <param name="options">The operator's settings.</param>
    /// <exception cref="ArgumentException">An option is out of range; the message has one line for each.</exception>
    public static WebApplicationBuilder AddFormationGateway(
        this WebApplicationBuilder builder, IInferenceBackend backend, IModelCatalog catalog, GatewayOptions options)
    {
        options.Validate();
        IServiceCollection services = builder.Services;
        services.AddSingleton(options);
        services.AddSingleton(backend);
        services.AddSingleton(catalog);
        services.AddSingleton<RequestGate>();
        services.AddSingleton<ErrorResponse>();
        services.AddSingleton<AnswerSource>();
        services.AddSingleton<EmbeddingSource>();
        services.AddSingleton<StreamedAnswer>();
        services.AddHostedService<ContentSweeper>();
        services.AddSingleton<BatchLineRunner>();
        services.AddSingleton<BatchRunner>();
        services.AddHostedService(provider => provider.GetRequiredService<BatchRunner>());
        services.AddOpenAI();
        services.AddAnthropic();
        services.AddHuggingFace();
        services.AddOpenApiDocument();
        services.AddTelemetry(options);
        services.Configure<HostOptions>(host => host.ShutdownTimeout = options.ShutdownTimeout);
        services.Configure<KestrelServerOptions>(kestrel => ConnectionLimits.Apply(kestrel, options));
        // A token is sent by the thread that wrote it. Handing it to another would wake one more thread for each token, on cores that compute
        // the next one; "unsafe" is said for handlers that block, and ours only await.
        services.Configure<SocketTransportOptions>(sockets => sockets.UnsafePreferInlineScheduling = true);
        return builder;
    }
}
