using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.HuggingFace;

/// <summary>Golden answers are in the form that Text Generation Inference 3.3 documents; see the README beside them.</summary>
public class GenerateEndpointTests
{
    internal static string Body(string parameters = "", string more = "") => $$"""{"inputs":"Once","parameters":{{{parameters}}}{{more}}}""";

    static GenerationDelta Delta(string text, params TokenLogprob[] tokens) => new(0, text, tokens);

    static TokenLogprob Token(int id, string text) => Scripts.Token(text, -0.5f) with { TokenId = id };

    static readonly TokenLogprob EndOfText = Token(2, "</s>") with { IsSpecial = true };

    static GenerationFinished Ended(FinishReason reason, int tokens, params TokenLogprob[] end) => new(0, reason, tokens) { EndTokens = end };

    static JsonElement[] Events(string stream)
    {
        string[] lines = stream.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(lines, line => Assert.StartsWith("data: ", line));
        return [.. lines.Select(line => JsonElement.Parse(line["data: ".Length..]))];
    }

    [Fact]
    public async Task A_whole_answer_is_the_text_alone_and_takes_the_most_probable_tokens()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.PostAsync("/generate", """{"inputs":"Once"}""");
        Assert.Equal("""{"generated_text":"Hello world"}""", await response.Content.ReadAsStringAsync());
        Assert.Equal("3", Assert.Single(response.Headers.GetValues("x-prompt-tokens")));
        Assert.Equal("2", Assert.Single(response.Headers.GetValues("x-generated-tokens")));
        GenerationRequest request = Assert.Single(gateway.Backend.Requests);
        Assert.Equal("acme/big-1", request.ModelId);
        Assert.Equal(0, request.Sampling.Temperature);
        Assert.Null(request.Stop.MaxTokens);
        Assert.Null(request.Logprobs);
    }

    [Fact]
    public async Task Details_tell_reason_seed_prompt_tokens_and_alternatives()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(
            new GenerationStarted(2),
            new GenerationDelta(0, "Once", [Scripts.Token("On", null), Scripts.Token("ce", -3f)]) { IsEcho = true },
            new GenerationDelta(0, " upon", [Scripts.Token(" upon", -0.25f, (" upon", -0.25f), (" at", -1.5f)) with { TokenId = 7 }]),
            Ended(FinishReason.Stop, 2, EndOfText));
        Transcript.Matches("generate-details.json", await gateway.PostForTextAsync(
            "/generate", Body(""" "decoder_input_details":true,"top_n_tokens":2,"do_sample":true,"seed":18446744073709551615 """)));
        GenerationRequest request = Assert.Single(gateway.Backend.Requests);
        Assert.Equal(-1, request.Sampling.Seed);
        Assert.True(request.EchoPrompt);
        Assert.Equal(2, request.Logprobs!.Top);
    }

    [Fact]
    public async Task A_stream_has_an_event_for_each_token_and_the_text_and_details_in_the_last()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(
            new GenerationStarted(5), Delta("Hello", Token(10, "Hello")), Delta(" world", Token(11, " world")), Ended(FinishReason.Stop, 3, EndOfText));
        Transcript.Matches("generate-stream.txt", await gateway.PostForTextAsync("/generate_stream", Body(""" "details":true,"top_n_tokens":1 """)));
    }

    [Fact]
    public async Task The_root_answers_whole_in_an_array_and_streams_where_it_is_asked_to()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        Assert.Equal("""[{"generated_text":"Hello world"}]""", await gateway.PostForTextAsync("/", Body()));
        gateway.Backend.Script = Scripts.Events(new GenerationStarted(5), Delta("Hi", Token(10, "Hi")), Ended(FinishReason.Stop, 2, EndOfText));
        JsonElement[] events = Events(await gateway.PostForTextAsync("/tgi", Body(more: ",\"stream\":true")));
        Assert.Equal(["Hi", "</s>"], events.Select(each => each.GetProperty("token").GetProperty("text").GetString()));
    }

    [Fact]
    public async Task The_last_token_of_a_limit_has_the_text_and_no_event_follows()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(
            new GenerationStarted(5) { MaxTokens = 2 }, Delta("a", Token(1, "a")), Delta("b", Token(2, "b")), Ended(FinishReason.Length, 2));
        JsonElement[] events = Events(await gateway.PostForTextAsync("/generate_stream", Body(""" "max_new_tokens":2,"details":true """)));
        Assert.Equal(2, events.Length);
        Assert.Equal(JsonValueKind.Null, events[0].GetProperty("generated_text").ValueKind);
        Assert.Equal("ab", events[1].GetProperty("generated_text").GetString());
        Assert.Equal("length", events[1].GetProperty("details").GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task What_the_tokens_add_makes_the_text_whatever_they_were_cut_by()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();

        // A character in two tokens, a special token in the middle, and a stop string that leaves a part of its last token.
        gateway.Backend.Script = Scripts.Events(
            new GenerationStarted(5),
            Delta("é", new TokenLogprob(1, new byte[] { 0xC3 }, -1, []), new TokenLogprob(2, new byte[] { 0xA9 }, -1, [])),
            Delta("", EndOfText),
            Delta("ab"),
            new GenerationFinished(0, FinishReason.Stop, 5) { StopString = "STOP", EndTokens = [Token(3, "abST"), Token(4, "OP and more")] });
        JsonElement[] events = Events(await gateway.PostForTextAsync("/generate_stream", Body(""" "stop":["STOP"],"details":true """)));
        Assert.Equal(["", "é", "</s>", "abST", "OP"], events.Select(each => each.GetProperty("token").GetProperty("text").GetString()));
        Assert.Equal("éabSTOP", events[^1].GetProperty("generated_text").GetString());
        Assert.Equal("stop_sequence", events[^1].GetProperty("details").GetProperty("finish_reason").GetString());
        Assert.Equal("""{"generated_text":"éabSTOP"}""", await gateway.PostForTextAsync("/generate", Body(""" "stop":["STOP"] """)));
    }

    [Fact]
    public async Task A_text_that_is_whole_by_itself_ends_with_its_last_token()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(
            new GenerationStarted(5) { MaxTokens = 9 }, Delta("4", Token(1, "4")), Delta("2", Token(2, "2")), Ended(FinishReason.Stop, 2));
        JsonElement[] events = Events(await gateway.PostForTextAsync("/generate_stream", Body(""" "grammar":{"type":"regex","value":"[0-9]{2}"} """)));
        Assert.Equal(2, events.Length);
        Assert.Equal("42", events[1].GetProperty("generated_text").GetString());
        Assert.Equal(new OutputFormat(OutputFormatKind.Pattern, "[0-9]{2}"), Assert.Single(gateway.Backend.Requests).Format);
    }

    [Fact]
    public async Task The_best_of_several_texts_is_the_answer_and_the_others_stand_in_the_details()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(
            new GenerationStarted(5),
            new GenerationDelta(0, "worse", [Scripts.Token("worse", -2)]),
            new GenerationDelta(1, "best", [Scripts.Token("best", -1)]),
            new GenerationFinished(0, FinishReason.Stop, 1),
            new GenerationFinished(1, FinishReason.Stop, 1));
        JsonElement answer = await gateway.PostForJsonAsync("/generate", Body(""" "best_of":2,"do_sample":true,"details":true,"return_full_text":true """));
        Assert.Equal("Oncebest", answer.GetProperty("generated_text").GetString());
        JsonElement other = Assert.Single(answer.GetProperty("details").GetProperty("best_of_sequences").EnumerateArray());
        Assert.Equal("Onceworse", other.GetProperty("generated_text").GetString());
    }

    [Fact]
    public async Task A_truncated_prompt_keeps_its_last_tokens()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.ShownWords();
        await gateway.PostForTextAsync("/generate", """{"inputs":"one two three","parameters":{"truncate":2}}""");
        Assert.Equal([11, 12], ((TokenPrompt)gateway.Backend.Requests.Last().Prompt).TokenIds);
        await gateway.PostForTextAsync("/generate", """{"inputs":"one two three","parameters":{"truncate":4}}""");
        Assert.Equal("one two three", ((TextPrompt)gateway.Backend.Requests.Last().Prompt).Text.Value);
    }

    [Fact]
    public async Task Draws_have_a_seed_that_is_told_and_greedy_texts_have_none()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement drawn = await gateway.PostForJsonAsync("/generate", Body(""" "do_sample":true,"details":true """));
        ulong seed = drawn.GetProperty("details").GetProperty("seed").GetUInt64();
        Assert.Equal((long)seed, gateway.Backend.Requests.Last().Sampling.Seed);
        Assert.Equal(1, gateway.Backend.Requests.Last().Sampling.Temperature);
        JsonElement greedy = await gateway.PostForJsonAsync("/generate", Body(""" "temperature":1,"details":true """));
        Assert.Equal(JsonValueKind.Null, greedy.GetProperty("details").GetProperty("seed").ValueKind);
        Assert.Equal(0, gateway.Backend.Requests.Last().Sampling.Temperature);
    }

    [Fact]
    public async Task Fields_that_nobody_knows_are_passed_over_and_named()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.PostAsync("/generate", Body(""" "max_tokens":3 """, ",\"model\":\"x\""));
        Assert.True(response.IsSuccessStatusCode);
        Assert.Equal("model, parameters.max_tokens", Assert.Single(response.Headers.GetValues("formation-ignored-fields")));
    }

    [Fact]
    public async Task A_stream_that_fails_ends_with_the_services_error()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(
            new GenerationStarted(5), Delta("a", Token(1, "a")), Scripts.Failure(GenerationErrorKind.Internal));
        JsonElement[] events = Events(await gateway.PostForTextAsync("/generate_stream", Body()));
        Assert.Equal("generation", events[^1].GetProperty("error_type").GetString());
        Assert.Equal(2, events.Length);
    }

    [Theory]
    [InlineData("json", """{"type":"object"}""", OutputFormatKind.JsonSchema, """{"type":"object"}""")]
    [InlineData("json_object", """{"type":"object"}""", OutputFormatKind.JsonSchema, """{"type":"object"}""")]
    [InlineData("json", "\"{\\\"type\\\":\\\"array\\\"}\"", OutputFormatKind.JsonSchema, """{"type":"array"}""")]
    [InlineData("json_schema", """{"name":"n","schema":{"type":"string"}}""", OutputFormatKind.JsonSchema, """{"type":"string"}""")]
    [InlineData("regex", "\"a+\"", OutputFormatKind.Pattern, "a+")]
    public async Task Grammars_become_formats(string type, string value, object kind, string source)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        await gateway.PostForTextAsync("/generate", Body($$""" "grammar":{"type":"{{type}}","value":{{value}}} """));
        Assert.Equal(new OutputFormat((OutputFormatKind)kind, source), Assert.Single(gateway.Backend.Requests).Format);
    }
}
