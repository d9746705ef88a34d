using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Health;

public class HealthTests
{
    [Fact]
    public async Task A_server_without_models_to_wait_for_is_ready_at_once()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        Assert.Equal("""{"status":"live"}""", await gateway.Anonymous.GetStringAsync("/health/live"));
        Assert.Equal("""{"status":"ready"}""", await gateway.Anonymous.GetStringAsync("/health/ready"));
    }

    [Theory]
    [InlineData(ModelState.Available, 0, 503, "loading")]
    [InlineData(ModelState.Loading, 0.25, 503, "loading")]
    [InlineData(ModelState.Failed, 0, 503, "failed")]
    [InlineData(ModelState.Ready, 1, 200, "ready")]
    public async Task Readiness_waits_for_the_models_that_the_operator_names(ModelState state, double progress, int status, string expected)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { ModelsForReadiness = ["tiny"] });
        gateway.Catalog.Tiny = gateway.Catalog.Tiny with { State = state, LoadProgress = progress };
        using HttpResponseMessage response = await gateway.Anonymous.GetAsync("/health/ready");
        Assert.Equal(status, (int)response.StatusCode);
        JsonElement report = JsonElement.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal(expected, report.GetProperty("status").GetString());
        Assert.Equal(expected == "loading", report.TryGetProperty("load_progress", out JsonElement shown));
        if (expected == "loading")
            Assert.Equal(progress, shown.GetDouble());
        Assert.Equal(status == 503, response.Headers.RetryAfter is not null);
    }

    [Fact]
    public async Task A_model_that_is_missing_keeps_the_server_from_being_ready()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { ModelsForReadiness = ["gone"] });
        Assert.Equal(503, (int)(await gateway.Anonymous.GetAsync("/health/ready")).StatusCode);
    }
}
