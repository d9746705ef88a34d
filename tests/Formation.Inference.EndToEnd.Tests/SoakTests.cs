using System.Globalization;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>64 streams at once over HTTP, of mixed lengths, a third of them cut off by their clients.</summary>
public sealed partial class SoakTests(TinyModelServer fixture) : IClassFixture<TinyModelServer>
{
    private const int Clients = 64;

    [Fact]
    public Task A_round_of_cut_and_finished_streams_leaves_nothing_behind() => SoakAsync(rounds: 2, TimeSpan.Zero);

    [Fact, Trait("Category", "Long")]
    public Task Two_minutes_of_cut_and_finished_streams_leave_nothing_behind() => SoakAsync(rounds: 1, TimeSpan.FromMinutes(2));

    // Each client runs at least `rounds` streams, and goes on until the time is over.
    private async Task SoakAsync(int rounds, TimeSpan atLeast)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var http = fixture.Server.Client(TinyModelServer.Key);
        await RunClientAsync(http, 0, rounds: 1, until: 0, cancellationToken);
        var residentBefore = ResidentBytes();
        var until = Environment.TickCount64 + (long)atLeast.TotalMilliseconds;

        var results = await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => RunClientAsync(http, client, rounds, until, cancellationToken)));

        var streams = results.SelectMany(result => result).ToArray();
        Assert.All(streams.Where(stream => !stream.Cut), stream => Assert.True(stream.Complete, stream.Text));
        Assert.InRange(streams.Count(stream => stream.Cut), streams.Length / 4, streams.Length / 2);
        await UntilIdleAsync(http, cancellationToken);
        // Flat: buffers and caches of the first minute aside, memory does not follow the number of requests.
        Assert.InRange(ResidentBytes() - residentBefore, long.MinValue, 256L << 20);
    }

    private static async Task<List<StreamResult>> RunClientAsync(HttpClient http, int client, int rounds, long until, CancellationToken cancellationToken)
    {
        var random = new SplitMix64((ulong)client + 1);
        var results = new List<StreamResult>();
        for (var round = 0; round < rounds || Environment.TickCount64 < until; round++)
        {
            var cut = (client + round) % 3 == 0;
            var words = 1 + (int)(random.Next() % 40);
            var tokens = 1 + (int)(random.Next() % 60);
            var body = new
            {
                model = "tiny",
                prompt = string.Join(' ', Enumerable.Range(0, words).Select(word => $"w{client}-{round}-{word}")),
                max_tokens = tokens,
                stream = true,
                ignore_eos = true,
            };
            results.Add(await StreamAsync(http, body, cut ? 1 + (tokens / 3) : int.MaxValue, cancellationToken));
        }
        return results;
    }

    /// <param name="cutAfter">Events after which the client goes away.</param>
    private static async Task<StreamResult> StreamAsync(HttpClient http, object body, int cutAfter, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = JsonContent.Create(body) };
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (!response.IsSuccessStatusCode)
            return new StreamResult(false, false, await response.Content.ReadAsStringAsync(cancellationToken));
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        var last = "";
        for (var events = 0; await reader.ReadLineAsync(cancellationToken) is { } line;)
        {
            if (!line.StartsWith("data: ", StringComparison.Ordinal))
                continue;
            if (++events > cutAfter)
                return new StreamResult(true, false, last);
            if (line == "data: [DONE]")
                return new StreamResult(cutAfter != int.MaxValue, last.Contains("\"finish_reason\":\"length\""), last);
            last = line;
        }
        return new StreamResult(false, false, "the stream ended without [DONE]: " + last);
    }

    private static async Task UntilIdleAsync(HttpClient http, CancellationToken cancellationToken)
    {
        var metrics = "";
        for (var attempt = 0; attempt < 200; attempt++)
        {
            metrics = await http.GetStringAsync("/metrics", cancellationToken);
            if (Sum(metrics, "formation_num_requests_running") == 0
                && Sum(metrics, "formation_num_requests_waiting") == 0
                && Sum(metrics, "formation_kv_cache_usage_perc") == 0)
                return;
            await Task.Delay(50, cancellationToken);
        }
        Assert.Fail("requests or KV blocks are left:\n" + metrics);
    }

    private static double Sum(string metrics, string name) => Sample().Matches(metrics)
        .Where(sample => sample.Groups[1].Value.StartsWith(name, StringComparison.Ordinal))
        .Sum(sample => double.Parse(sample.Groups[2].Value, CultureInfo.InvariantCulture));

    private long ResidentBytes()
    {
        var line = File.ReadLines($"/proc/{fixture.Server.Id}/status").Single(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
    }

    /// <param name="Cut">Whether the client went away, or was meant to and the stream was shorter.</param>
    /// <param name="Complete">Whether the stream came to its proper end.</param>
    /// <param name="Text">The last event, or what was wrong.</param>
    private sealed record StreamResult(bool Cut, bool Complete, string Text);

    [GeneratedRegex(@"^([a-z_]+)(?:\{[^}]*\})? ([0-9.eE+-]+)", RegexOptions.Multiline)]
    private static partial Regex Sample();
}
