using System.Text.RegularExpressions;
using Formation.Inference.Gateway.Tests.Fakes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Formation.Inference.Gateway.Tests.Auth;

public partial class RoutePolicyTests
{
    /// <summary>The routes that need no key. A new route is not among them by accident.</summary>
    static readonly string[] Public =
    [
        "/health/live", "/health/ready", "/metrics", "/openapi/{documentName}.json",
        "/health", "/tgi/health", "/tei/health", "/models/{**model:call(health)}", "/models/{**model:call(tgi/health)}",
        "/models/{**model:call(tei/health)}",
    ];

    [GeneratedRegex(@"\{\*\*model:call\((?<call>[^)]*)\)\}")]
    private static partial Regex Call();

    [Fact]
    public async Task Every_route_but_the_public_ones_answers_401_without_a_key()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        RouteEndpoint[] routes = [.. gateway.App.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()];
        Assert.True(routes.Length >= 8, $"only {routes.Length} routes");
        foreach (RouteEndpoint route in routes)
        {
            string pattern = route.RoutePattern.RawText!;
            string path = Call().Replace(pattern, "tiny/${call}").Replace("{**model:pipeline}", "tiny/pipeline/feature-extraction").Replace("{task}", "feature-extraction").Replace("{**model}", "tiny").Replace("{documentName}", "v1");
            foreach (string method in route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"])
            {
                using HttpResponseMessage response = await gateway.Anonymous.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
                Assert.True((Public.Contains(pattern) || (method, pattern) == ("GET", "/")) == ((int)response.StatusCode != 401), $"{method} {path}: {(int)response.StatusCode}");
            }
        }
    }

    [Fact]
    public async Task Metrics_ask_for_a_key_where_the_operator_wants_it()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { MetricsRequireKey = true });
        using HttpResponseMessage without = await gateway.Anonymous.GetAsync("/metrics");
        await ErrorAssert.IsErrorAsync(without, 401, null);
        using HttpResponseMessage with = await gateway.Client.GetAsync("/metrics");
        Assert.True(with.IsSuccessStatusCode);
    }
}
