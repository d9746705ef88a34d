using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Unicode;
using Formation.Inference.Gateway.Anthropic.Conversations;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.Anthropic.Batches;

/// <summary>
/// Reads the body of <c>POST /v1/messages/batches</c> request by request, so that a batch of many megabytes is never in memory as a whole. What a request
/// asks for is checked when it is run.
/// </summary>
internal sealed class MessageBatchReader(Stream body, int maxBytes, int maxRequestBytes)
{
    /// <summary>Requests in one batch.</summary>
    internal const int MaxRequests = 100_000;

    const int MaxCustomIdLength = 64;
    const int FirstSize = 64 * 1024;
    const string Requests = "requests";

    // A request's own depth is counted from inside the array that it stands in.
    static readonly JsonReaderOptions Options = new() { MaxDepth = JsonBody.MaxDepth + 3 };

    static readonly SearchValues<char> CustomIdLetters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

    readonly HashSet<string> _customIds = new(StringComparer.Ordinal);
    byte[] _buffer = new byte[FirstSize];
    JsonReaderState _state = new(Options);
    Place _place;
    int _begin, _end;
    long _bytes;
    bool _isLast, _hasRequests;

    enum Place
    {
        BeforeObject,
        InObject,
        InRequests,
        BehindObject,
    }

    /// <summary>The requests; <see cref="BatchRequest.Params"/> has no line breaks.</summary>
    /// <exception cref="ApiErrorException">The body is at fault.</exception>
    internal async IAsyncEnumerable<BatchRequest> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        do
        {
            while (TryRead() is { } request)
                yield return request;
        }
        while (await FillAsync(cancellationToken));

        if (!_hasRequests)
            throw Missing(Requests);
        Count(Requests, _customIds.Count, 1, MaxRequests);
    }

    /// <summary>Reads on to the end of the next request; null where the buffer does not hold that.</summary>
    BatchRequest? TryRead()
    {
        try
        {
            while (true)
            {
                var reader = new Utf8JsonReader(_buffer.AsSpan(_begin, _end - _begin), _isLast, _state);
                if (!reader.Read())
                    return null;
                if (_place == Place.InRequests && reader.TokenType != JsonTokenType.EndArray)
                {
                    int start = (int)reader.TokenStartIndex;
                    if (!reader.TrySkip())
                        return null;
                    BatchRequest request = Parse(_buffer.AsSpan(_begin, _end - _begin)[start..(int)reader.BytesConsumed]);
                    Consume(reader);
                    return request;
                }

                // A name is taken together with the beginning of its value.
                if (_place == Place.InObject && reader.TokenType == JsonTokenType.PropertyName && !TryEnter(ref reader))
                    return null;
                _place = (_place, reader.TokenType) switch
                {
                    (Place.BeforeObject, JsonTokenType.StartObject) => Place.InObject,
                    (Place.BeforeObject, _) => throw Fail("body", "invalid_type", "Invalid request body: expected an object."),
                    (Place.InObject, JsonTokenType.StartArray) => Place.InRequests,
                    (Place.InObject, _) => Place.BehindObject,
                    _ => Place.InObject,
                };
                Consume(reader);
            }
        }
        catch (JsonException failure)
        {
            throw new ApiErrorException(JsonFailure.Syntax(failure));
        }
    }

    bool TryEnter(ref Utf8JsonReader reader)
    {
        string name = TextOf(ref reader) ?? "";
        if (name != Requests)
            throw ExtraInputs.Extra(Shorten(name));
        if (_hasRequests)
            throw Fail(Requests, "duplicate_parameter", $"The parameter '{Requests}' is given more than once.");
        if (!reader.Read())
            return false;
        if (reader.TokenType != JsonTokenType.StartArray)
            throw Fail(Requests, "invalid_type", $"Invalid type for '{Requests}': expected an array of requests.");
        return _hasRequests = true;
    }

    BatchRequest Parse(ReadOnlySpan<byte> json)
    {
        string path = JsonPath.Append(Requests, _customIds.Count);
        if (_customIds.Count == MaxRequests)
            throw Fail(Requests, "array_above_max_length", $"A batch has at most {MaxRequests} requests. Send the others in a further batch.");
        if (json.Length > maxRequestBytes)
            throw TooLarge(path);
        if (!Utf8.IsValid(json))
            throw Fail(path, "invalid_json", $"'{path}' is not valid UTF-8.");
        var reader = new Utf8JsonReader(json, Options);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            throw Fail(path, "invalid_type", $"Invalid type for '{path}': expected an object.");
        (string? customId, byte[]? parameters) = (null, null);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = TextOf(ref reader) ?? "";
            reader.Read();
            (string at, bool isTwice) = name switch
            {
                "custom_id" => ($"{path}.custom_id", customId is not null),
                "params" => ($"{path}.params", parameters is not null),
                _ => throw ExtraInputs.Extra($"{path}.{Shorten(name)}"),
            };
            if (isTwice)
                throw Fail(at, "duplicate_parameter", $"The parameter '{at}' is given more than once.");
            if (name == "params")
                parameters = ParseParams(json, ref reader, at);
            else
                customId = CheckId(reader.TokenType == JsonTokenType.String ? TextOf(ref reader) : null, at);
        }

        return new BatchRequest(
            customId ?? throw Missing($"{path}.custom_id"), parameters ?? throw Missing($"{path}.params"));
    }

    string CheckId(string? id, string path)
    {
        if (id is not { Length: > 0 and <= MaxCustomIdLength } || id.AsSpan().ContainsAnyExcept(CustomIdLetters))
            throw InvalidValue(path, $"it has to be a string of 1 to {MaxCustomIdLength} letters, digits, '_' and '-'.");
        return _customIds.Add(id) ? id : throw InvalidValue(path, "another request of the batch has the same.");
    }

    static byte[] ParseParams(ReadOnlySpan<byte> json, ref Utf8JsonReader reader, string path)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw Fail(path, "invalid_type", $"Invalid type for '{path}': expected an object.");
        int begin = (int)reader.TokenStartIndex;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isStream = TextOf(ref reader) == "stream";
            reader.Read();
            if (isStream && reader.TokenType == JsonTokenType.True)
                throw InvalidValue($"{path}.stream", "a batch gives whole answers; leave it out.");
            reader.Skip();
        }

        byte[] parameters = json[begin..(int)reader.BytesConsumed].ToArray();

        // Line breaks stand only between the values: inside a string they are no JSON.
        parameters.AsSpan().Replace((byte)'\n', (byte)' ');
        parameters.AsSpan().Replace((byte)'\r', (byte)' ');
        return parameters;
    }

    /// <summary>A name or a text, or null where it has half a character.</summary>
    static string? TextOf(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    void Consume(Utf8JsonReader reader)
    {
        _begin += (int)reader.BytesConsumed;
        _state = reader.CurrentState;
    }

    /// <summary>Takes more of the body; false where the whole of it was read.</summary>
    async Task<bool> FillAsync(CancellationToken cancellationToken)
    {
        if (_isLast)
            return false;
        int kept = _end - _begin;
        if (_begin > 0)
            _buffer.AsSpan(_begin, kept).CopyTo(_buffer);
        (_begin, _end) = (0, kept);
        if (kept > maxRequestBytes)
            throw TooLarge(JsonPath.Append(Requests, _customIds.Count));
        if (kept > _buffer.Length / 2)
            Array.Resize(ref _buffer, Math.Min(_buffer.Length * 2, maxRequestBytes + FirstSize));

        // As much again as there is: what is there is looked at from its beginning, which must not happen for each little piece.
        int least = Math.Clamp(kept, 1, _buffer.Length - kept);
        int read = await body.ReadAtLeastAsync(_buffer.AsMemory(kept), least, throwOnEndOfStream: false, cancellationToken);
        _end += read;
        _bytes += read;
        _isLast = read < least;
        return _bytes <= maxBytes ? true : throw new ApiErrorException(ApiErrors.BodyTooLarge(maxBytes));
    }

    ApiErrorException TooLarge(string path) => new(new ApiError(
        413, ApiError.InvalidRequest, "request_too_large", $"'{path}' is larger than a request may be, which is {maxRequestBytes} bytes.")
    { Param = path });
}

/// <summary>A request of a batch that is being made.</summary>
/// <param name="CustomId">What its author calls it.</param>
/// <param name="Params">The body of the request.</param>
internal sealed record BatchRequest(string CustomId, byte[] Params);
