using System.Runtime.CompilerServices;
using System.Text;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Streaming;

public class StreamedAnswerTests
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("")]
    [InlineData(""","stream":true""")]
    public async Task A_client_that_goes_away_cancels_its_generation(string stream)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.ThenWait(new GenerationStarted(1), new GenerationDelta(0, "a", []));
        using var gone = new CancellationTokenSource();
        Task<HttpResponseMessage> request = gateway.ChatAsync(stream, gone.Token);
        if (stream.Length > 0)
            (await request.WaitAsync(Patience)).Dispose();
        else
            await Eventually.TrueAsync(() => gateway.Backend.Running == 1);
        await gone.CancelAsync();

        await gateway.Backend.Cancelled.Task.WaitAsync(Patience);
        await Eventually.TrueAsync(() => gateway.Backend.Running == 0);
    }

    [Fact]
    public async Task A_client_that_goes_away_cancels_all_prompts_of_its_request()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.ThenWait(new GenerationStarted(1));
        using HttpResponseMessage response = await gateway.PostAsync("/v1/completions", """{"model":"tiny","prompt":["a","b","c"],"stream":true}""");
        await Eventually.TrueAsync(() => gateway.Backend.Running == 3);
        response.Dispose();
        await Eventually.TrueAsync(() => gateway.Backend.Running == 0);
    }

    [Fact]
    public async Task Each_event_is_sent_when_it_comes()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        var steps = new[] { NewStep(), NewStep() };
        gateway.Backend.Script = (_, token) => InStepsAsync(steps, token);
        using HttpResponseMessage response = await gateway.ChatAsync(""","stream":true""");
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Contains("\"role\":\"assistant\"", await ReadEventAsync(lines));
        steps[0].SetResult();
        Assert.Contains("\"content\":\"0\"", await ReadEventAsync(lines));
        steps[1].SetResult();
        Assert.Contains("\"content\":\"1\"", await ReadEventAsync(lines));
        Assert.Contains("\"finish_reason\":\"stop\"", await ReadEventAsync(lines));
        Assert.Equal("data: [DONE]", await ReadEventAsync(lines));
    }

    [Fact]
    public async Task Silence_is_filled_with_comments()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        var step = NewStep();
        gateway.Backend.Script = (_, token) => InStepsAsync([step], token);
        using HttpResponseMessage response = await gateway.ChatAsync(""","stream":true""");
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.StartsWith("data: ", await ReadEventAsync(lines));

        Task<string> next = ReadEventAsync(lines);
        await Eventually.TrueAsync(() =>
        {
            gateway.Clock.Advance(TimeSpan.FromSeconds(15));
            return next.IsCompleted;
        });

        Assert.Equal(": keep-alive", await next);
        step.SetResult();
        string later;
        do
            later = await ReadEventAsync(lines);
        while (later.StartsWith(':'));
        Assert.Contains("\"content\":\"0\"", later);
    }

    [Fact]
    public async Task A_first_event_that_is_long_in_coming_does_not_hold_back_the_headers()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        var loaded = NewStep();
        gateway.Backend.Script = (_, token) => AfterAsync(loaded, Scripts.Failure(GenerationErrorKind.ModelUnavailable), token);
        Task<HttpResponseMessage> request = gateway.ChatAsync(""","stream":true""");
        await Eventually.TrueAsync(() =>
        {
            gateway.Clock.Advance(TimeSpan.FromSeconds(15));
            return request.IsCompleted;
        });

        using HttpResponseMessage response = await request;
        Assert.Equal(200, (int)response.StatusCode);
        loaded.SetResult();
        string text = await response.Content.ReadAsStringAsync();
        Assert.StartsWith(": keep-alive\n\n", text);
        Assert.Contains("\"code\":\"model_unavailable\"", text);
    }

    [Fact]
    public async Task A_client_that_does_not_read_stops_the_backend_and_not_the_servers_memory()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(
            options => options with { StreamStallTimeout = TimeSpan.FromHours(1) });
        int produced = 0;
        gateway.Backend.Script = (_, token) => EndlessAsync(() => Interlocked.Increment(ref produced), token);
        using HttpResponseMessage response = await gateway.ChatAsync(""","stream":true""");

        // A loopback connection and both ends' buffers take some megabytes; then nothing more is produced.
        int before;
        do
        {
            before = Volatile.Read(ref produced);
            await Task.Delay(500);
        }
        while (Volatile.Read(ref produced) != before || before == 0);
        Assert.InRange(before, 1, 30_000);
        Assert.Equal(1, gateway.Backend.Running);
        response.Dispose();
        await Eventually.TrueAsync(() => gateway.Backend.Running == 0);
    }

    [Fact]
    public async Task A_client_that_stops_reading_is_cut_off_and_its_generation_cancelled()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = (_, token) => EndlessAsync(() => { }, token);
        using HttpResponseMessage response = await gateway.ChatAsync(""","stream":true""");
        await Eventually.TrueAsync(() =>
        {
            gateway.Clock.Advance(TimeSpan.FromSeconds(10));
            return gateway.Backend.Cancelled.Task.IsCompleted;
        });
        await Eventually.TrueAsync(() => gateway.Backend.Running == 0);
    }

    static TaskCompletionSource NewStep() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    static async IAsyncEnumerable<GenerationEvent> InStepsAsync(
        TaskCompletionSource[] steps, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return new GenerationStarted(1);
        for (int i = 0; i < steps.Length; i++)
        {
            await steps[i].Task.WaitAsync(cancellationToken);
            yield return new GenerationDelta(0, $"{i}", []);
        }

        yield return new GenerationFinished(0, FinishReason.Stop, steps.Length);
    }

    static async IAsyncEnumerable<GenerationEvent> AfterAsync(
        TaskCompletionSource step, GenerationEvent item, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await step.Task.WaitAsync(cancellationToken);
        yield return item;
    }

    static async IAsyncEnumerable<GenerationEvent> EndlessAsync(Action produced, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return new GenerationStarted(1);
        // Some hundred of them fill the buffers of a connection.
        string text = new('x', 64 * 1024);
        while (true)
        {
            await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
            produced();
            yield return new GenerationDelta(0, text, []);
        }
    }

    static async Task<string> ReadEventAsync(StreamReader lines)
    {
        var text = new StringBuilder();
        while (await lines.ReadLineAsync().WaitAsync(Patience) is { Length: > 0 } line)
            text.Append(line);
        return text.ToString();
    }
}
