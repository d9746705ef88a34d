using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>Completions with a suffix against a real server, whose one model fills gaps and whose other does not.</summary>
public sealed class InfillTests(TinyModelServer fixture) : IClassFixture<TinyModelServer>
{
    private const string Before = "def hello(";
    private const string Behind = " return the answer";

    [Fact]
    public async Task A_gap_is_filled_as_if_the_clients_own_tokens_had_marked_it()
    {
        using var client = fixture.Server.Client(TinyModelServer.Key);
        var vocabulary = new TinyVocabulary(512, fillsGaps: true);
        int Mark(int index) => Array.IndexOf(vocabulary.Tokens, TinyVocabulary.FillInTheMiddle[index]);
        int[] byHand =
        [
            vocabulary.BosId, Mark(0), .. await TokensAsync(client, Before), Mark(1), .. await TokensAsync(client, Behind), Mark(2),
        ];

        var expected = await ChoicesAsync(client, new JsonArray([.. byHand.Select(id => JsonValue.Create(id))]), suffix: null);
        Assert.Equal(expected, await ChoicesAsync(client, Before, Behind));
        Assert.Equal(expected, await ChoicesAsync(client, new JsonArray([.. (await TokensAsync(client, Before)).Select(id => JsonValue.Create(id))]), Behind));
        Assert.NotEqual(expected, await ChoicesAsync(client, Before, "\n"));
        Assert.NotEqual(expected, await ChoicesAsync(client, Before, suffix: null));
        Assert.Equal(await ChoicesAsync(client, Before, suffix: null), await ChoicesAsync(client, Before, ""));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_model_without_the_tokens_names_the_suffix(bool stream)
    {
        using var client = fixture.Server.Client(TinyModelServer.Key);
        using var response = await client.PostAsJsonAsync(
            "/v1/completions", new { model = "tiny", prompt = Before, suffix = Behind, stream }, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var error = (await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("error");
        Assert.Equal("suffix", error.GetProperty("param").GetString());
        Assert.Contains("can't fill gaps", error.GetProperty("message").GetString());
    }

    [Fact]
    public async Task Both_texts_together_obey_the_context()
    {
        using var client = fixture.Server.Client(TinyModelServer.Key);
        var half = string.Join(' ', Enumerable.Repeat("word", 400));
        using var response = await client.PostAsJsonAsync(
            "/v1/completions", new { model = TinyModelServer.Roomy, prompt = half, suffix = half }, TestContext.Current.CancellationToken);
        var error = (await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("error");
        Assert.Equal("context_length_exceeded", error.GetProperty("code").GetString());
        Assert.Contains("with its suffix", error.GetProperty("message").GetString());
    }

    private static async Task<int[]> TokensAsync(HttpClient client, string text)
    {
        using var response = await client.PostAsJsonAsync(
            $"/models/{TinyModelServer.Roomy}/tokenize", new { inputs = text }, TestContext.Current.CancellationToken);
        var tokens = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        return [.. tokens.EnumerateArray().Select(token => token.GetProperty("id").GetInt32()).Where(id => id != new TinyVocabulary(512).BosId)];
    }

    /// <summary>Texts, ends and log-probabilities of two drawn choices.</summary>
    private static async Task<string[]> ChoicesAsync(HttpClient client, JsonNode prompt, string? suffix)
    {
        var body = new { model = TinyModelServer.Roomy, prompt, suffix, max_tokens = 16, seed = 5, n = 2, best_of = 3, logprobs = 2 };
        using var response = await client.PostAsJsonAsync("/v1/completions", body, TestContext.Current.CancellationToken);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        return
        [
            .. answer.GetProperty("choices").EnumerateArray().Select(choice =>
                $"{choice.GetProperty("text")} {choice.GetProperty("finish_reason")} {choice.GetProperty("logprobs").GetProperty("token_logprobs")}"),
        ];
    }
}
