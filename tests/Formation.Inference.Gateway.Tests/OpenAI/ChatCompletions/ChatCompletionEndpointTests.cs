using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.OpenAI.ChatCompletions;

public class ChatCompletionEndpointTests
{
    const string Path = "/v1/chat/completions";

    [Fact]
    public async Task A_whole_answer_is_OpenAIs_object_with_usage()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.ChatAsync();

        Transcript.Matches("chat.json", await response.Content.ReadAsStringAsync());
        Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("req_1", Assert.Single(response.Headers.GetValues("x-request-id")));
        Assert.Equal("0", Assert.Single(response.Headers.GetValues("openai-processing-ms")));
    }

    [Fact]
    public async Task Several_choices_come_with_log_probabilities_and_bytes()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Words("Grüße", " 🙂");
        Transcript.Matches(
            "chat-n2-logprobs.json", await gateway.PostForTextAsync(Path, TestGateway.Chat(""","n":2,"logprobs":true,"top_logprobs":2""")));
    }

    [Fact]
    public async Task A_stream_has_the_role_first_the_reason_last_and_done()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.ChatAsync(""","stream":true""");

        Transcript.Matches("chat-stream.txt", await response.Content.ReadAsStringAsync());
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("req_1", Assert.Single(response.Headers.GetValues("x-request-id")));
        Assert.True(response.Headers.CacheControl!.NoStore);
    }

    [Fact]
    public async Task A_stream_with_usage_reports_it_in_a_chunk_without_choices()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        Transcript.Matches(
            "chat-stream-usage-n2.txt",
            await gateway.PostForTextAsync(Path, TestGateway.Chat(""","n":2,"stream":true,"stream_options":{"include_usage":true}""")));
    }

    [Fact]
    public async Task A_stream_with_log_probabilities_has_them_in_each_chunk_of_text()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        Transcript.Matches(
            "chat-stream-logprobs.txt",
            await gateway.PostForTextAsync(Path, TestGateway.Chat(""","stream":true,"logprobs":true,"top_logprobs":1""")));
    }

    [Fact]
    public async Task Bytes_that_are_no_character_are_escaped_and_an_infinite_logprob_is_cut()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(
            new GenerationStarted(1),
            new GenerationDelta(0, "", [new TokenLogprob(5, new byte[] { 0xF0, 0x9F }, float.NegativeInfinity, [])]),
            new GenerationFinished(0, FinishReason.Length, 1));
        JsonElement answer = await gateway.PostForJsonAsync(Path, TestGateway.Chat(""","logprobs":true"""));

        JsonElement choice = answer.GetProperty("choices")[0];
        Assert.Equal("length", choice.GetProperty("finish_reason").GetString());
        JsonElement token = choice.GetProperty("logprobs").GetProperty("content")[0];
        Assert.Equal(@"\xf0\x9f", token.GetProperty("token").GetString());
        Assert.Equal(-9999, token.GetProperty("logprob").GetSingle());
        Assert.Equal([240, 159], token.GetProperty("bytes").EnumerateArray().Select(b => b.GetInt32()));
    }

    [Theory]
    [InlineData("END", null, "\"END\"")]
    [InlineData(null, 7, "7")]
    [InlineData(null, null, null)]
    public async Task The_stop_condition_that_was_met_is_named(string? text, int? token, string? expected)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(
            new GenerationStarted(1), new GenerationFinished(0, FinishReason.Stop, 1) { StopString = text, StopTokenId = token });
        JsonElement choice = (await gateway.PostForJsonAsync(Path, TestGateway.Chat())).GetProperty("choices")[0];
        Assert.Equal(expected, choice.TryGetProperty("stop_reason", out JsonElement reason) ? reason.GetRawText() : null);
        Assert.Equal("stop", choice.GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task The_fingerprint_changes_with_the_models_file()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string Fingerprint(JsonElement answer) => answer.GetProperty("system_fingerprint").GetString()!;
        string first = Fingerprint(await gateway.PostForJsonAsync(Path, TestGateway.Chat()));
        string again = Fingerprint(await gateway.PostForJsonAsync(Path, TestGateway.Chat()));
        gateway.Catalog.Tiny = gateway.Catalog.Tiny with { Created = FakeCatalog.Written.AddDays(1) };
        string changed = Fingerprint(await gateway.PostForJsonAsync(Path, TestGateway.Chat()));

        Assert.Equal(first, again);
        Assert.NotEqual(first, changed);
    }
}
