using System.Buffers;
using System.IO.Pipelines;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.Streaming;

/// <summary>Writes server-sent events (WHATWG HTML, section 9.2) with JSON data. Nothing is sent before <see cref="FlushAsync"/>.</summary>
internal sealed class ServerSentEvents(HttpResponse response) : IDisposable
{
    readonly PipeWriter _output = response.BodyWriter;
    readonly Utf8JsonWriter _json = new(
        response.BodyWriter, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true });

    /// <summary>Bytes written since the last flush.</summary>
    internal long Unflushed => _output.UnflushedBytes;

    /// <summary>Sets the headers of a stream that no proxy may hold back or store.</summary>
    internal void Start()
    {
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-cache, no-store";
        response.Headers["X-Accel-Buffering"] = "no";
    }

    /// <summary>Writes an event that has a name.</summary>
    internal void Write<T>(ReadOnlySpan<byte> name, T data, JsonTypeInfo<T> type)
    {
        _output.Write("event: "u8);
        _output.Write(name);
        _output.Write("\n"u8);
        Write(data, type);
    }

    internal void Write<T>(T data, JsonTypeInfo<T> type)
    {
        _output.Write("data: "u8);
        _json.Reset(_output);
        JsonSerializer.Serialize(_json, data, type);
        _json.Flush();
        _output.Write("\n\n"u8);
    }

    /// <summary>Writes an event that has a name, whose data is JSON already.</summary>
    internal void Write(ReadOnlySpan<byte> name, ReadOnlySpan<byte> json)
    {
        _output.Write("event: "u8);
        _output.Write(name);
        _output.Write("\ndata: "u8);
        _output.Write(json);
        _output.Write("\n\n"u8);
    }

    /// <summary>The event with which OpenAI ends a stream.</summary>
    internal void WriteDone() => _output.Write("data: [DONE]\n\n"u8);

    /// <summary>A comment, which clients skip.</summary>
    internal void WriteKeepAlive() => _output.Write(": keep-alive\n\n"u8);

    /// <summary>Sends what was written, and waits while the client does not read.</summary>
    internal async ValueTask FlushAsync(CancellationToken cancellationToken) => await _output.FlushAsync(cancellationToken);

    public void Dispose() => _json.Dispose();
}
