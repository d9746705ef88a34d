using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Formation.Inference.Cli.Bench.Peers;

/// <summary>
/// Speaks with the program of <c>benchmarks/peers</c>: it introduces itself with one line of JSON, and answers each line that names a test
/// with another.
/// </summary>
sealed class PeerSession
{
    private readonly TextReader _answers;
    private readonly TextWriter _requests;

    private PeerSession(TextReader answers, TextWriter requests, PeerGreeting greeting)
    {
        _answers = answers;
        _requests = requests;
        Greeting = greeting;
    }

    /// <summary>What the peer said of itself.</summary>
    public PeerGreeting Greeting { get; }

    /// <summary>Waits until the peer has loaded its model.</summary>
    /// <exception cref="PeerException">It ended, or said something else.</exception>
    public static async Task<PeerSession> OpenAsync(TextReader answers, TextWriter requests, CancellationToken cancellationToken)
    {
        var greeting = await ReadAsync(answers, PeerJson.Default.PeerGreeting, cancellationToken);
        return new PeerSession(answers, requests, greeting);
    }

    /// <summary>Lets the peer run a test once. Returns tokens per second, all sequences together.</summary>
    /// <exception cref="PeerException">The peer failed.</exception>
    public async Task<double> MeasureAsync(BenchTest test, CancellationToken cancellationToken)
    {
        try
        {
            await _requests.WriteLineAsync(test.Name.AsMemory(), cancellationToken);
            await _requests.FlushAsync(cancellationToken);
        }
        catch (IOException error)
        {
            throw new PeerException("it ended before its tests did", error);
        }
        var answer = await ReadAsync(_answers, PeerJson.Default.PeerAnswer, cancellationToken);
        if (answer.Error is { } failure)
            throw new PeerException($"{test}: {failure}");
        if (answer.Test != test.Name || answer.Tokens is not > 0 || answer.Seconds is not > 0)
            throw new PeerException($"it answered {test} with '{answer}'");
        return answer.Tokens.Value / answer.Seconds.Value;
    }

    private static async Task<T> ReadAsync<T>(
        TextReader reader, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        var line = await reader.ReadLineAsync(cancellationToken) ?? throw new PeerException("it ended before its tests did");
        try
        {
            return JsonSerializer.Deserialize(line, type) ?? throw new PeerException($"it said '{line}'");
        }
        catch (JsonException error)
        {
            throw new PeerException($"it said '{line}'", error);
        }
    }
}

/// <summary>What a peer says of itself once it is ready.</summary>
sealed record PeerGreeting(string Engine, string Package, string Kernels);

/// <summary>A peer's answer to a test: how many tokens took how long, or what went wrong.</summary>
sealed record PeerAnswer(string? Test = null, int? Tokens = null, double? Seconds = null, string? Error = null);

/// <summary>The peer failed; the message is a part of a sentence about it.</summary>
sealed class PeerException(string message, Exception? inner = null) : Exception(message, inner);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(PeerGreeting))]
[JsonSerializable(typeof(PeerAnswer))]
sealed partial class PeerJson : JsonSerializerContext;
