using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Cli.Tests.Fakes;

/// <summary>A server on loopback that answers as a test says, and remembers what it was asked.</summary>
sealed class ScriptedServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ScriptedServer(WebApplication app) => _app = app;

    public string Url => _app.Urls.First();

    public const string Key = "right-key";

    /// <summary>Bodies of the requests, in order.</summary>
    public List<JsonObject> Requests { get; } = [];

    /// <summary>Lines that a streaming request gets, each a data event.</summary>
    public List<string> Events { get; } = [];

    /// <summary>Whether the connection is cut behind the last event.</summary>
    public bool CutsTheConnection { get; set; }

    /// <summary>Answer instead of the usual one: status and body.</summary>
    public (int Status, string Body)? Refusal { get; set; }

    /// <summary>Answers of routes that answer with JSON, by method and path: <c>GET /formation/v1/nodes</c>.</summary>
    public Dictionary<string, string> Answers { get; } = [];

    public static async Task<ScriptedServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var server = new ScriptedServer(app);
        app.Run(server.AnswerAsync);
        await app.StartAsync();
        return server;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        if (context.Request.Headers.Authorization != $"Bearer {Key}")
        {
            await WriteAsync(context, 401, """{"error":{"message":"Incorrect API key provided.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}""");
            return;
        }
        if (Refusal is { } refusal)
        {
            await WriteAsync(context, refusal.Status, refusal.Body);
            return;
        }
        if (Answers.TryGetValue($"{context.Request.Method} {context.Request.Path}", out var answer))
        {
            if (await new StreamReader(context.Request.Body).ReadToEndAsync() is { Length: > 0 } body)
                Requests.Add(JsonNode.Parse(body)!.AsObject());
            await WriteAsync(context, 200, answer);
            return;
        }
        if (context.Request.Path == "/v1/models")
        {
            await WriteAsync(context, 200, """{"object":"list","data":[{"id":"formation-llm","object":"model","created":1,"owned_by":"formation","context_length":2048,"parameter_count":7300000,"state":"ready"}]}""");
            return;
        }
        Requests.Add(JsonNode.Parse(await new StreamReader(context.Request.Body).ReadToEndAsync())!.AsObject());
        context.Response.ContentType = "text/event-stream";
        foreach (var data in Events)
            await context.Response.WriteAsync($"data: {data}\n\n", Encoding.UTF8);
        await context.Response.Body.FlushAsync();
        if (CutsTheConnection)
            context.Abort();
    }

    private static Task WriteAsync(HttpContext context, int status, string body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(body);
    }
}
