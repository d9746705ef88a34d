using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>Takes traces over OTLP (gRPC), as much of it as exporters need, and keeps the spans.</summary>
sealed class TraceCollector : IAsyncDisposable
{
    private const string Route = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    private const int FrameHeader = 5;

    private readonly ConcurrentQueue<ReceivedSpan> _spans = new();
    private readonly WebApplication _server;

    private TraceCollector()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        _server = builder.Build();
        _server.MapPost(Route, TakeAsync);
    }

    public string Url => _server.Urls.Single();

    public IReadOnlyCollection<ReceivedSpan> Spans => _spans;

    public static async Task<TraceCollector> StartAsync()
    {
        var collector = new TraceCollector();
        await collector._server.StartAsync();
        return collector;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    // A gRPC message is a byte that says whether it is compressed, its length in four bytes, and itself.
    private async Task TakeAsync(HttpContext context)
    {
        var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var bytes = body.ToArray();
        Assert.Equal(0, bytes[0]);
        var length = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(1));
        foreach (var span in ReceivedSpan.ReadAll(bytes[FrameHeader..(FrameHeader + length)]))
            _spans.Enqueue(span);
        context.Response.ContentType = "application/grpc";
        context.Response.AppendTrailer("grpc-status", "0");
        await context.Response.Body.WriteAsync(new byte[FrameHeader]);
    }
}
