using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Storage;
using Formation.Inference.Storage.Engines;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Gateway.Tests.Fakes;

/// <summary>The gateway on a real loopback port, over a scripted backend, with a clock that stands still until a test moves it.</summary>
internal sealed class TestGateway : IAsyncDisposable
{
    public const string OperatorKey = "operator-key-0123456789";
    public static readonly DateTimeOffset Now = new(2026, 11, 22, 10, 0, 0, TimeSpan.Zero);

    readonly Database _database;
    readonly DirectoryInfo _data;
    readonly bool _ownsData;

    TestGateway(FakeTimeProvider clock, Database? database, TestGateway? beside)
    {
        Clock = clock;
        _ownsData = beside is null;
        _data = beside?._data ?? Directory.CreateTempSubdirectory("formation-gateway-");
        _database = beside?._database ?? database ?? SqliteDatabase.Open(Path.Combine(_data.FullName, "accounts.db"), clock);
        Keys = beside?.Keys ?? ApiKeyStore.Open(_database, _data.FullName, clock);
        if (beside is null)
            Keys.AddOperatorKey(OperatorKey);
    }

    public FakeTimeProvider Clock { get; }

    public ScriptedBackend Backend { get; } = new();

    public FakeCatalog Catalog { get; } = new();

    public FakeNodeDirectory Nodes { get; } = new();

    public FakeDeploymentDirectory Deployments { get; } = new();

    public ApiKeyStore Keys { get; }

    /// <summary>What is kept, whether or not the gateway was told of it.</summary>
    public ContentStore Contents { get; private set; } = null!;

    public LogSink Logs { get; } = new();

    public WebApplication App { get; private set; } = null!;

    public Uri Url { get; private set; } = null!;

    /// <summary>Sends the operator's key.</summary>
    public HttpClient Client { get; private set; } = null!;

    /// <summary>Sends no key.</summary>
    public HttpClient Anonymous { get; private set; } = null!;

    /// <param name="configure">Changes the options.</param>
    /// <param name="realClock">Whether time passes by itself.</param>
    /// <param name="database">The database, or null for one of its own.</param>
    /// <param name="beside">A gateway that this one shares keys, contents and clock with, and which lives longer.</param>
    public static async Task<TestGateway> StartAsync(
        Func<GatewayOptions, GatewayOptions>? configure = null, bool realClock = false, Database? database = null, TestGateway? beside = null)
    {
        var gateway = new TestGateway(beside?.Clock ?? new FakeTimeProvider(Now), database, beside);
        gateway.Contents = ContentStore.Open(gateway._database, gateway._data.FullName, realClock ? TimeProvider.System : gateway.Clock);
        var options = new GatewayOptions
        {
            Authentication = new GatewayAuthentication.WithKeys(gateway.Keys),
            Contents = gateway.Contents,
            Nodes = gateway.Nodes,
            Deployments = gateway.Deployments,
            Clock = realClock ? TimeProvider.System : gateway.Clock,
        };
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Trace).AddProvider(gateway.Logs);
        builder.AddFormationGateway(gateway.Backend, gateway.Catalog, configure?.Invoke(options) ?? options);
        builder.Services.AddSingleton(SequentialIds.Create());
        gateway.App = builder.Build();
        gateway.App.MapFormationGateway();
        await gateway.App.StartAsync();
        string address = gateway.App.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        gateway.Url = new Uri(address);
        gateway.Anonymous = new HttpClient { BaseAddress = gateway.Url };
        gateway.Client = new HttpClient { BaseAddress = gateway.Url };
        gateway.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", OperatorKey);
        return gateway;
    }

    public Task<HttpResponseMessage> PostAsync(string path, string json, CancellationToken cancellationToken = default) =>
        Client.SendAsync(
            new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") },
            HttpCompletionOption.ResponseHeadersRead,
            cancellationToken);

    /// <summary>The body of a successful answer.</summary>
    public async Task<string> PostForTextAsync(string path, string json)
    {
        using HttpResponseMessage response = await PostAsync(path, json);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return text;
    }

    public async Task<JsonElement> PostForJsonAsync(string path, string json) => JsonElement.Parse(await PostForTextAsync(path, json));

    public Task<HttpResponseMessage> ChatAsync(string more = "", CancellationToken cancellationToken = default) =>
        PostAsync("/v1/chat/completions", Chat(more), cancellationToken);

    /// <summary>A body for chat with further parameters, each with a comma before it.</summary>
    public static string Chat(string more = "") => $$"""{"model":"tiny","messages":[{"role":"user","content":"Hi"}]{{more}}}""";

    /// <summary>A request of a client of Anthropic's: with a version, and with the operator's key unless another is given.</summary>
    public Task<HttpResponseMessage> SendAnthropicAsync(
        string path, string? json = null, string? version = "2023-06-01", string? key = OperatorKey, CancellationToken cancellationToken = default)
    {
        var request = new HttpRequestMessage(json is null ? HttpMethod.Get : HttpMethod.Post, path);
        if (json is not null)
            request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        if (version is not null)
            request.Headers.Add("anthropic-version", version);
        if (key is not null)
            request.Headers.Add("x-api-key", key);
        return Anonymous.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    /// <summary>The body of a successful answer to a client of Anthropic's.</summary>
    public async Task<string> SendAnthropicForTextAsync(string path, string? json = null)
    {
        using HttpResponseMessage response = await SendAnthropicAsync(path, json);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return text;
    }

    /// <summary>A body for messages with further parameters, each with a comma before it.</summary>
    public static string Messages(string more = "") => $$"""{"model":"tiny","max_tokens":16,"messages":[{"role":"user","content":"Hi"}]{{more}}}""";

    /// <summary>A body for responses with further parameters, each with a comma before it.</summary>
    public static string Respond(string more = "", string input = "\"Hi\"") => $$"""{"model":"tiny","input":{{input}}{{more}}}""";

    /// <summary>A body for completions with further parameters, each with a comma before it.</summary>
    public static string Complete(string more = "") => $$"""{"model":"tiny","prompt":"Once"{{more}}}""";

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        Anonymous.Dispose();
        await App.StopAsync(new CancellationToken(canceled: true));
        await App.DisposeAsync();
        if (!_ownsData)
            return;
        _database.Dispose();
        _data.Delete(recursive: true);
    }
}
