using System.Diagnostics;
using System.Diagnostics.Metrics;
using Formation.Inference.Gateway.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Trace;

namespace Formation.Inference.Gateway.Tests.Telemetry;

public class TelemetryTests
{
    [Fact]
    public async Task Requests_are_counted_and_timed_by_route_status_and_model()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        await gateway.PostForTextAsync("/v1/chat/completions", TestGateway.Chat());
        await gateway.PostForTextAsync("/v1/chat/completions", TestGateway.Chat());
        (await gateway.ChatAsync(""","n":0""")).Dispose();
        (await gateway.PostAsync("/v1/chat/completions", """{"model":"made-up","messages":[{"role":"user","content":"x"}]}""")).Dispose();


        // A request is counted when its answer has been sent, which its client may see a moment before.
        string metrics = "";
        await Eventually.TrueAsync(async () =>
        {
            metrics = await gateway.Anonymous.GetStringAsync("/metrics");
            return new[] { """status="200",stream_error=""} 2""", """status="400",stream_error=""} 1""", """status="404",stream_error=""} 1""" }
                .All(counted => metrics.Contains(counted, StringComparison.Ordinal));
        });

        Assert.Contains(
            """formation_http_requests_total{model_name="tiny",route="/v1/chat/completions",status="200",stream_error=""} 2""", metrics);
        Assert.Contains(
            """formation_http_requests_total{model_name="",route="/v1/chat/completions",status="400",stream_error=""} 1""", metrics);
        Assert.Contains("formation_http_request_duration_seconds_bucket{", metrics);
        Assert.Contains("# TYPE formation_http_requests_active gauge", metrics);
        Assert.DoesNotContain("made-up", metrics);
    }

    [Fact]
    public async Task The_engines_meter_is_exported_without_the_gateway_knowing_its_instruments()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using Meter meter = gateway.App.Services.GetRequiredService<IMeterFactory>().Create("Formation.Inference.Engine");
        meter.CreateCounter<long>("formation.prompt.tokens", "{token}").Add(5);
        meter.CreateUpDownCounter<int>("formation.num_requests_running").Add(3);
        string metrics = await gateway.Anonymous.GetStringAsync("/metrics");
        Assert.Contains("formation_prompt_tokens_total", metrics);
        Assert.Contains("formation_num_requests_running", metrics);
    }

    [Fact]
    public async Task A_second_server_in_the_process_is_neither_counted_nor_missed_when_it_goes()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        await using (TestGateway other = await TestGateway.StartAsync())
        {
            await gateway.PostForTextAsync("/v1/chat/completions", TestGateway.Chat());
            await other.PostForTextAsync("/v1/chat/completions", TestGateway.Chat());
        }

        await gateway.PostForTextAsync("/v1/chat/completions", TestGateway.Chat());
        Assert.Contains(
            """formation_http_requests_total{model_name="tiny",route="/v1/chat/completions",status="200",stream_error=""} 2""",
            await gateway.Anonymous.GetStringAsync("/metrics"));
    }

    [Fact]
    public async Task A_stream_that_fails_in_the_middle_is_counted_as_such()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(new GenerationStarted(1), Scripts.Failure(GenerationErrorKind.QueueFull));
        await gateway.PostForTextAsync("/v1/chat/completions", TestGateway.Chat(""","stream":true"""));
        Assert.Contains("""status="200",stream_error="rate_limit_exceeded"} 1""", await gateway.Anonymous.GetStringAsync("/metrics"));
    }

    [Fact]
    public async Task A_client_that_leaves_a_stream_is_counted_as_such()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.ThenWait(new GenerationStarted(1));
        (await gateway.ChatAsync(""","stream":true""")).Dispose();
        await gateway.Backend.Cancelled.Task;
        await Eventually.TrueAsync(async () =>
            (await gateway.Anonymous.GetStringAsync("/metrics")).Contains("stream_error=\"client_closed_request\"} 1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Traces_are_off_until_an_endpoint_is_named()
    {
        await using TestGateway off = await TestGateway.StartAsync();
        Assert.Null(off.App.Services.GetService<TracerProvider>());
        await using TestGateway on = await TestGateway.StartAsync(options => options with { OtlpEndpoint = new Uri("http://127.0.0.1:9") });
        Assert.NotNull(on.App.Services.GetService<TracerProvider>());
    }

    [Fact]
    public async Task A_generation_has_a_span_with_its_tokens_and_no_text()
    {
        var spans = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Formation.Inference.Gateway",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                lock (spans)
                    spans.Add(span);
            },
        };
        ActivitySource.AddActivityListener(listener);
        await using TestGateway gateway = await TestGateway.StartAsync();
        string marker = "span-marker";
        gateway.Catalog.Tiny = gateway.Catalog.Tiny with { Id = marker };
        await gateway.PostForTextAsync(
            "/v1/chat/completions", $$"""{"model":"{{marker}}","messages":[{"role":"user","content":"CANARY-PROMPT"}]}""");

        Activity span;
        lock (spans)
            span = Assert.Single(spans, s => s.DisplayName == $"chat {marker}");
        Assert.Equal(3, span.GetTagItem("gen_ai.usage.input_tokens"));
        Assert.Equal(2, span.GetTagItem("gen_ai.usage.output_tokens"));
        Assert.Equal("req_1", span.GetTagItem("formation.request_id"));
        Assert.DoesNotContain(span.TagObjects, tag => $"{tag.Value}".Contains("CANARY"));
    }
}
