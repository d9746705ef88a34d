using System.Globalization;
using System.Text.Json.Nodes;
using Formation.Inference.Cli.Client;

namespace Formation.Inference.Cli.Bench.Http;

/// <summary>Measures a server as its clients see it: streamed chat completions.</summary>
/// <param name="client">Speaks to the server.</param>
/// <param name="model">The model's id there.</param>
/// <param name="time">The clock.</param>
sealed class HttpBenchmark(ServerClient client, string model, TimeProvider time)
{
    private const string Path = "/v1/chat/completions";

    private const int ProbeWords = 64;

    // A small model's streams may be over before the last one has begun, when the machine is busy with something else.
    private const int Attempts = 5;

    // A first token may be without text of its own; one of a few has some.
    private const int AnswerTokens = 4;

    private long _prompts = time.GetUtcNow().Ticks;

    /// <summary>Lets a test's sequences generate as streams. Returns tokens per second, all streams together.</summary>
    public async Task<double> GenerateAsync(BenchTest test, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            StreamTimeline[] streams = await Task.WhenAll(
                Enumerable.Range(0, test.Sequences).Select(seed => AskAsync($"{seed}", test.Tokens, seed, cancellationToken)));
            if (attempt == Attempts || StreamTimeline.Overlap(streams))
                return StreamTimeline.TokensPerSecond(streams, time);
        }
    }

    /// <summary>
    /// Measures how long the first piece of an answer takes, for each of a plan's lengths of prompts: for new prompts, and for the same
    /// ones again.
    /// </summary>
    public async Task<IReadOnlyList<FirstTokenResult>> FirstTokensAsync(BenchPlan plan, CancellationToken cancellationToken)
    {
        var results = new List<FirstTokenResult>();
        foreach (var tokens in plan.Prompts)
        {
            var words = await WordsOfAsync(tokens, cancellationToken);
            var cold = new List<Wait>();
            var cached = new List<Wait>();
            for (var i = 0; i < plan.Repeat; i++)
            {
                var prompt = NewPrompt(words);
                cold.Add(await WaitAsync(prompt, cancellationToken));
                cached.Add(await WaitAsync(prompt, cancellationToken));
            }
            results.AddRange([Result(cold), Result(cached)]);
        }
        return results;
    }

    // A word may be more than one token, and the chat template adds some: two short prompts tell both numbers.
    private async Task<int> WordsOfAsync(int promptTokens, CancellationToken cancellationToken)
    {
        var shorter = await AskAsync(NewPrompt(ProbeWords), 1, 0, cancellationToken);
        var longer = await AskAsync(NewPrompt(2 * ProbeWords), 1, 0, cancellationToken);
        var tokensPerWord = Math.Max(1, longer.PromptTokens - shorter.PromptTokens) / (double)ProbeWords;
        return Math.Max(1, ProbeWords + (int)Math.Round((promptTokens - shorter.PromptTokens) / tokensPerWord));
    }

    // A number that no prompt had before stands in front, its fastest-changing digit first: the prefix cache knows nothing of it.
    private string NewPrompt(int words) =>
        string.Concat((_prompts++).ToString(CultureInfo.InvariantCulture).Reverse()) + string.Concat(Enumerable.Repeat(" the", words));

    private async Task<Wait> WaitAsync(string prompt, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var stream = await AskAsync(prompt, AnswerTokens, 0, cancellationToken);
        return stream.Pieces.Count > 0
            ? new Wait(time.GetElapsedTime(start, stream.Pieces[0]).TotalSeconds, stream.PromptTokens, stream.CachedTokens)
            : throw new CommandException(ExitCode.Failed, $"The time to the first token can't be told: {model} answered without text.");
    }

    private async Task<StreamTimeline> AskAsync(string prompt, int tokens, int seed, CancellationToken cancellationToken)
    {
        var timeline = new StreamTimeline(time);
        await foreach (var chunk in client.StreamAsync(Path, Body(prompt, tokens, seed), cancellationToken))
            timeline.Add(chunk);
        return timeline;
    }

    // Sampled as clients sample who say nothing of it, and never ended by the model.
    private JsonObject Body(string prompt, int tokens, int seed) => new()
    {
        ["model"] = model,
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = prompt }),
        ["stream"] = true,
        ["stream_options"] = new JsonObject { ["include_usage"] = true },
        ["max_tokens"] = tokens,
        ["ignore_eos"] = true,
        ["seed"] = seed,
    };

    private static FirstTokenResult Result(List<Wait> waits) =>
        new(waits[^1].PromptTokens, waits.Min(wait => wait.CachedTokens), Spread.Of(waits.Select(wait => wait.Seconds)));

    private readonly record struct Wait(double Seconds, int PromptTokens, int CachedTokens);
}
