using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Anthropic.Models;

public class ModelInfoEndpointTests
{
    [Theory]
    [InlineData("2023-06-01")]
    [InlineData("2026-10-21")]
    public async Task Whoever_names_a_version_gets_Anthropics_list(string version)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.SendAnthropicAsync("/v1/models", version: version);
        Transcript.Matches("model-infos.json", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("?limit=1", "acme/big-1", true)]
    [InlineData("?limit=1&after_id=acme/big-1", "tiny", false)]
    [InlineData("?limit=1&before_id=tiny", "acme/big-1", false)]
    [InlineData("?after_id=tiny", "", false)]
    [InlineData("?lifecycle[]=deprecated&lifecycle[]=active", "acme/big-1,tiny", false)]
    [InlineData("?lifecycle[]=retired", "", false)]
    [InlineData("?limit=2", "acme/big-1,tiny", false)]
    public async Task The_list_comes_in_pages(string query, string ids, bool hasMore)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement page = JsonElement.Parse(await gateway.SendAnthropicForTextAsync($"/v1/models{query}"));
        Assert.Equal(ids, string.Join(',', page.GetProperty("data").EnumerateArray().Select(model => model.GetProperty("id").GetString())));
        Assert.Equal(hasMore, page.GetProperty("has_more").GetBoolean());
        Assert.Equal(ids.Split(',')[0], page.GetProperty("first_id").GetString() ?? "");
        Assert.Equal(ids.Split(',')[^1], page.GetProperty("last_id").GetString() ?? "");
    }

    [Fact]
    public async Task The_newest_models_come_first()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Catalog.Tiny = gateway.Catalog.Tiny with { Created = FakeCatalog.Written.AddDays(1) };
        JsonElement page = JsonElement.Parse(await gateway.SendAnthropicForTextAsync("/v1/models"));
        Assert.Equal("tiny", page.GetProperty("first_id").GetString());
    }

    [Theory]
    [InlineData("?limit=0", "limit")]
    [InlineData("?limit=1001", "limit")]
    [InlineData("?limit=many", "limit")]
    [InlineData("?lifecycle[]=young", "lifecycle")]
    [InlineData("?after_id=nope", "after_id")]
    [InlineData("?before_id=nope", "before_id")]
    [InlineData("?before_id=tiny&after_id=tiny", "after_id")]
    public async Task A_page_that_can_not_be_is_refused(string query, string param)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.SendAnthropicAsync($"/v1/models{query}");
        Assert.Contains($"'{param}'", await ErrorAssert.IsAnthropicErrorAsync(response, 400, "invalid_request_error"));
    }

    [Theory]
    [InlineData("/v1/models/tiny", "tiny")]
    [InlineData("/v1/models/acme%2Fbig-1", "acme/big-1")]
    public async Task A_model_is_found_by_its_id(string path, string id)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement model = JsonElement.Parse(await gateway.SendAnthropicForTextAsync(path));
        Assert.Equal((id, "model"), (model.GetProperty("id").GetString(), model.GetProperty("type").GetString()));
        Assert.Equal("2026-03-01T12:00:00Z", model.GetProperty("created_at").GetString());
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task A_model_says_whether_it_thinks_and_takes_efforts(bool thinks, bool takesEffort)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Catalog.Tiny = gateway.Catalog.Tiny with { Abilities = new ModelAbilities(Chats: true, thinks, takesEffort, FillsGaps: true) };
        JsonElement can = JsonElement.Parse(await gateway.SendAnthropicForTextAsync("/v1/models/tiny")).GetProperty("capabilities");
        JsonElement thinking = can.GetProperty("thinking"), types = thinking.GetProperty("types"), effort = can.GetProperty("effort");
        Assert.Equal(thinks, IsSupported(thinking));
        Assert.All((string[])["enabled", "adaptive"], type => Assert.Equal(thinks, IsSupported(types.GetProperty(type))));
        Assert.True(IsSupported(types.GetProperty("disabled")));
        Assert.False(IsSupported(types.GetProperty("between_tools")));
        Assert.Equal(takesEffort, IsSupported(effort));
        Assert.All((string[])["low", "medium", "high", "xhigh", "max"], level => Assert.Equal(takesEffort, IsSupported(effort.GetProperty(level))));

        static bool IsSupported(JsonElement capability) => capability.GetProperty("supported").GetBoolean();
    }

    [Fact]
    public async Task Without_anything_kept_there_are_no_batches()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { Contents = null });
        JsonElement model = JsonElement.Parse(await gateway.SendAnthropicForTextAsync("/v1/models/tiny"));
        Assert.False(model.GetProperty("capabilities").GetProperty("batch").GetProperty("supported").GetBoolean());
    }

    [Fact]
    public async Task An_unknown_model_is_not_found()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.SendAnthropicAsync("/v1/models/nope");
        await ErrorAssert.IsAnthropicErrorAsync(response, 404, "not_found_error");
    }
}
