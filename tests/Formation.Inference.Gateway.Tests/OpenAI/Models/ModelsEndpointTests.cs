using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.OpenAI.Models;

public class ModelsEndpointTests
{
    [Fact]
    public async Task The_list_has_every_model()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        Transcript.Matches("models.json", await gateway.Client.GetStringAsync("/v1/models"));
    }

    [Theory]
    [InlineData("/v1/models/tiny", "tiny")]
    [InlineData("/v1/models/acme/big-1", "acme/big-1")]
    [InlineData("/v1/models/acme%2Fbig-1", "acme/big-1")]
    [InlineData("/v1/models/acme%2fbig-1", "acme/big-1")]
    public async Task A_model_is_found_by_its_id_however_its_slash_is_written(string path, string id)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement model = JsonElement.Parse(await gateway.Client.GetStringAsync(path));
        Assert.Equal(id, model.GetProperty("id").GetString());
        Assert.Equal("model", model.GetProperty("object").GetString());
    }

    [Theory]
    [InlineData(false, false, false, false, "completion")]
    [InlineData(true, false, false, true, "completion,chat,tools,embedding")]
    [InlineData(true, true, true, true, "completion,chat,tools,thinking,insert,embedding")]
    [InlineData(false, false, true, false, "completion,insert")]
    public async Task A_model_says_what_it_can_do(bool chats, bool thinks, bool fillsGaps, bool embeds, string words)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Catalog.Tiny = gateway.Catalog.Tiny with
        {
            Abilities = new ModelAbilities(chats, thinks, TakesEffort: false, fillsGaps),
            Embedding = embeds ? new EmbeddingTraits(384, 2048) : null,
        };
        JsonElement model = JsonElement.Parse(await gateway.Client.GetStringAsync("/v1/models/tiny"));
        Assert.Equal(words, string.Join(',', model.GetProperty("capabilities").EnumerateArray().Select(word => word.GetString())));
    }

    [Theory]
    [InlineData("nope")]
    [InlineData("..%2f..%2fetc%2fpasswd")]
    [InlineData("tiny%00")]
    public async Task An_unknown_model_is_not_found(string id)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.Client.GetAsync($"/v1/models/{id}");
        if (id.Contains("%00"))
        {
            // The server refuses such a path itself, before any route is asked.
            Assert.Equal(400, (int)response.StatusCode);
            return;
        }

        await ErrorAssert.IsErrorAsync(response, 404, "model_not_found");
    }
}
