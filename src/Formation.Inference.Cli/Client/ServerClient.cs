using System.Net;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Formation.Inference.Cli.Client;

/// <summary>Speaks to a server's OpenAI-compatible API, and turns each failure into a <see cref="CommandException"/> with the right exit code.</summary>
public sealed class ServerClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly ServerAddress _address;

    /// <param name="handler">The transport; tests give their own.</param>
    public ServerClient(ServerAddress address, HttpMessageHandler? handler = null)
    {
        _address = address;
        // A long prompt on a slow machine may take minutes to its first token: the caller's cancellation ends a request, not a timer.
        _http = new HttpClient(handler ?? new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(10) })
        {
            BaseAddress = address.Url,
            Timeout = Timeout.InfiniteTimeSpan,
        };
        if (address.Key is { } key)
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    public void Dispose() => _http.Dispose();

    /// <summary>The server's models.</summary>
    public async Task<IReadOnlyList<JsonObject>> ListModelsAsync(CancellationToken cancellationToken)
    {
        using var response = await SendAsync(new HttpRequestMessage(HttpMethod.Get, "/v1/models"), cancellationToken);
        var body = await ReadJsonAsync(response, cancellationToken);
        return body["data"] is JsonArray data ? [.. data.OfType<JsonObject>()] : throw NotOurServer();
    }

    /// <summary>Calls a route that answers with one JSON object.</summary>
    public async Task<JsonObject> SendAsync(HttpMethod method, string path, JsonObject? body, CancellationToken cancellationToken)
    {
        var request = new HttpRequestMessage(method, path)
        {
            Content = body is null ? null : new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"),
        };
        using var response = await SendAsync(request, cancellationToken);
        return await ReadJsonAsync(response, cancellationToken);
    }

    /// <summary>Posts a streaming request and gives each data event's JSON, without the closing <c>[DONE]</c>.</summary>
    public async IAsyncEnumerable<JsonObject> StreamAsync(
        string path, JsonObject body, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"),
        };
        using var response = await SendAsync(request, cancellationToken);
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var ended = false;
        await foreach (var item in Guarded(SseParser.Create(stream).EnumerateAsync(cancellationToken), cancellationToken))
        {
            if (item.Data == "[DONE]")
            {
                ended = true;
                break;
            }
            var data = Parse(item.Data);
            if (data["error"] is JsonObject error)
                throw new CommandException(ExitCode.Failed, $"The server ended the answer: {MessageOf(error)}");
            yield return data;
        }
        if (!ended)
            throw Broken();
    }

    // A connection that breaks in the middle is an expected failure, not a stack trace.
    private static async IAsyncEnumerable<SseItem<string>> Guarded(
        IAsyncEnumerable<SseItem<string>> items, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var enumerator = items.GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            try
            {
                if (!await enumerator.MoveNextAsync())
                    yield break;
            }
            catch (Exception error) when (error is HttpIOException or IOException)
            {
                throw Broken();
            }
            yield return enumerator.Current;
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        }
        catch (HttpRequestException error) when (error.HttpRequestError
            is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError)
        {
            throw new CommandException(
                ExitCode.ServerNotReachable,
                $"No server answers at {_address.Url} ({error.HttpRequestError}); start one with 'form inference serve' or give --url.");
        }
        catch (HttpRequestException)
        {
            throw Broken();
        }
        if (response.IsSuccessStatusCode)
            return response;
        using (response)
            throw await FailureAsync(response, cancellationToken);
    }

    private async Task<CommandException> FailureAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        string message;
        try
        {
            message = (await ReadJsonAsync(response, cancellationToken))["error"] is JsonObject error
                ? MessageOf(error)
                : $"status {(int)response.StatusCode}";
        }
        catch (CommandException)
        {
            message = $"status {(int)response.StatusCode} from something that is not a Formation server";
        }
        return response.StatusCode switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new CommandException(
                ExitCode.NotAuthorised, $"{message}\nSave a key with 'form inference auth --key KEY', or give --key."),
            HttpStatusCode.NotFound => new CommandException(ExitCode.NotFound, message),
            HttpStatusCode.BadRequest => new CommandException(ExitCode.WrongUsage, message),
            _ => new CommandException(ExitCode.Failed, message),
        };
    }

    private async Task<JsonObject> ReadJsonAsync(HttpResponseMessage response, CancellationToken cancellationToken) =>
        Parse(await response.Content.ReadAsStringAsync(cancellationToken));

    private JsonObject Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text) as JsonObject ?? throw NotOurServer();
        }
        catch (JsonException)
        {
            throw NotOurServer();
        }
    }

    private static CommandException Broken() => new(ExitCode.Failed, "The connection broke before the answer was complete; try again.");

    private CommandException NotOurServer() =>
        new(ExitCode.Failed, $"{_address.Url} answered with something that is not the OpenAI API; check --url.");

    private static string MessageOf(JsonObject error) =>
        error["message"] is JsonValue value && value.TryGetValue(out string? message) ? message : "unknown error";
}
