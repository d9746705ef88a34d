using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.OpenAI.Responses;

public class ResponsesEndpointTests
{
    const string Path = "/v1/responses";
    const string Tools = ""","tools":[{"type":"function","name":"f","parameters":{"type":"object"}}]""";

    static readonly GenerationEvent[] Called =
    [
        new GenerationStarted(3) { ToolCalls = ToolCallSyntax.Default },
        new GenerationDelta(0, "Let me look. <tool", []),
        new GenerationDelta(0, "_call>\n{\"name\": \"f\", \"arguments\": {\"a\":", []),
        new GenerationDelta(0, "1}}\n</tool_call>\n<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>", []),
        new GenerationFinished(0, FinishReason.Stop, 9),
    ];

    static async Task<TestGateway> GatewayAsync(params GenerationEvent[] events)
    {
        TestGateway gateway = await TestGateway.StartAsync();
        if (events.Length > 0)
            gateway.Backend.Script = Scripts.Events(events);
        return gateway;
    }

    /// <summary>The events of a stream: name, then data.</summary>
    static List<(string Name, JsonElement Data)> Events(string stream) =>
        [.. stream.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(each => each.Split("\ndata: ")).Select(parts => (parts[0]["event: ".Length..], JsonElement.Parse(parts[1])))];

    [Fact]
    public async Task A_whole_response_is_as_its_transcript()
    {
        await using TestGateway gateway = await GatewayAsync();
        Transcript.Matches("response.json", await gateway.PostForTextAsync(Path, TestGateway.Respond(
            ""","instructions":"Be brief.","max_output_tokens":7,"temperature":0.5,"metadata":{"a":"b"},"user":"u" """)));
    }

    [Fact]
    public async Task A_stream_is_as_its_transcript()
    {
        await using TestGateway gateway = await GatewayAsync();
        Transcript.Matches("response-stream.txt", await gateway.PostForTextAsync(Path, TestGateway.Respond(""","stream":true""")));
    }

    [Fact]
    public async Task A_stream_with_calls_is_as_its_transcript()
    {
        await using TestGateway gateway = await GatewayAsync(Called);
        Transcript.Matches("response-stream-calls.txt", await gateway.PostForTextAsync(Path, TestGateway.Respond(Tools + ""","stream":true""")));
    }

    [Fact]
    public async Task A_stream_that_fails_tells_the_error_and_that_the_response_failed()
    {
        await using TestGateway gateway = await GatewayAsync(
            new GenerationStarted(3), new GenerationDelta(0, "Hel", []), Scripts.Failure(GenerationErrorKind.QueueFull));
        Transcript.Matches("response-stream-failure.txt", await gateway.PostForTextAsync(Path, TestGateway.Respond(""","stream":true""")));
    }

    [Fact]
    public async Task A_failure_before_the_first_event_is_an_ordinary_error()
    {
        await using TestGateway gateway = await GatewayAsync(Scripts.Failure(GenerationErrorKind.ContextLengthExceeded, "Prompt"));
        foreach (string more in (string[])["", ""","stream":true"""])
        {
            using HttpResponseMessage response = await gateway.PostAsync(Path, TestGateway.Respond(more));
            JsonElement error = await ErrorAssert.IsErrorAsync(response, 400, "context_length_exceeded");
            Assert.Equal("input", error.GetProperty("param").GetString());
        }
    }

    [Fact]
    public async Task A_whole_response_has_calls_beside_the_text_each_with_ids_of_its_own()
    {
        await using TestGateway gateway = await GatewayAsync(Called);
        JsonElement[] output = [.. (await gateway.PostForJsonAsync(Path, TestGateway.Respond(Tools))).GetProperty("output").EnumerateArray()];
        Assert.Equal(["message", "function_call", "function_call"], output.Select(item => item.GetProperty("type").GetString()));
        Assert.Equal("Let me look. ", output[0].GetProperty("content")[0].GetProperty("text").GetString());
        Assert.Equal(["f {\"a\":1}", "f {}"], output[1..].Select(call => $"{call.GetProperty("name")} {call.GetProperty("arguments")}"));
        Assert.Equal(3, output.Select(item => item.GetProperty("id").GetString()).Distinct().Count());
        Assert.Equal(2, output[1..].Select(call => call.GetProperty("call_id").GetString()).Distinct().Count());
        Assert.All(output, item => Assert.Equal("completed", item.GetProperty("status").GetString()));
    }

    [Fact]
    public async Task A_response_that_was_cut_is_incomplete_and_says_why_whole_or_streamed()
    {
        await using TestGateway gateway = await GatewayAsync(
            new GenerationStarted(3), new GenerationDelta(0, "Hel", []), new GenerationFinished(0, FinishReason.Length, 1));
        JsonElement whole = await gateway.PostForJsonAsync(Path, TestGateway.Respond());
        (string name, JsonElement last) = Events(await gateway.PostForTextAsync(Path, TestGateway.Respond(""","stream":true""")))[^1];
        Assert.Equal("response.incomplete", name);
        foreach (JsonElement response in (JsonElement[])[whole, last.GetProperty("response")])
        {
            Assert.Equal("incomplete", response.GetProperty("status").GetString());
            Assert.Equal("max_output_tokens", response.GetProperty("incomplete_details").GetProperty("reason").GetString());
            Assert.Equal("incomplete", response.GetProperty("output")[0].GetProperty("status").GetString());
            Assert.Equal(JsonValueKind.Null, response.GetProperty("completed_at").ValueKind);
        }
    }

    [Fact]
    public async Task A_response_without_a_word_is_a_message_all_the_same()
    {
        await using TestGateway gateway = await GatewayAsync(new GenerationStarted(3), new GenerationFinished(0, FinishReason.Stop, 1));
        JsonElement response = await gateway.PostForJsonAsync(Path, TestGateway.Respond());
        Assert.Equal("", Assert.Single(response.GetProperty("output").EnumerateArray()).GetProperty("content")[0].GetProperty("text").GetString());
    }

    [Fact]
    public async Task Events_are_numbered_and_named_by_their_type_and_their_pieces_make_the_whole()
    {
        await using TestGateway gateway = await GatewayAsync(Called);
        List<(string Name, JsonElement Data)> events = Events(await gateway.PostForTextAsync(Path, TestGateway.Respond(Tools + ""","stream":true""")));
        Assert.Equal(Enumerable.Range(0, events.Count), events.Select(each => each.Data.GetProperty("sequence_number").GetInt32()));
        Assert.All(events, each => Assert.Equal(each.Name, each.Data.GetProperty("type").GetString()));
        JsonElement response = events[^1].Data.GetProperty("response");
        Assert.Equal(
            response.GetProperty("output")[0].GetProperty("content")[0].GetProperty("text").GetString(),
            string.Concat(events.Where(each => each.Name == "response.output_text.delta").Select(each => each.Data.GetProperty("delta").GetString())));
        for (int call = 1; call <= 2; call++)
            Assert.Equal(
                response.GetProperty("output")[call].GetProperty("arguments").GetString(),
                string.Concat(events
                    .Where(each => each.Name == "response.function_call_arguments.delta" && each.Data.GetProperty("output_index").GetInt32() == call)
                    .Select(each => each.Data.GetProperty("delta").GetString())));
    }

    [Fact]
    public async Task Log_probabilities_come_with_their_text_and_all_of_them_with_the_whole()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        const string More = ""","include":["message.output_text.logprobs"],"top_logprobs":1""";
        JsonElement whole = await gateway.PostForJsonAsync(Path, TestGateway.Respond(More));
        JsonElement logprobs = whole.GetProperty("output")[0].GetProperty("content")[0].GetProperty("logprobs");
        Assert.Equal(["Hello", " world"], logprobs.EnumerateArray().Select(token => token.GetProperty("token").GetString()));
        Assert.Single(logprobs[0].GetProperty("top_logprobs").EnumerateArray());
        List<(string Name, JsonElement Data)> events = Events(await gateway.PostForTextAsync(Path, TestGateway.Respond(More + ""","stream":true""")));
        JsonElement[] deltas = [.. events.Where(each => each.Name == "response.output_text.delta").Select(each => each.Data)];
        Assert.Equal(["Hello", " world"], deltas.SelectMany(delta => delta.GetProperty("logprobs").EnumerateArray()).Select(token => token.GetProperty("token").GetString()));
    }

    [Fact]
    public async Task Tokens_without_text_yet_are_told_with_the_text_that_they_belong_to()
    {
        await using TestGateway gateway = await GatewayAsync(
            new GenerationStarted(3),
            new GenerationDelta(0, "", [Scripts.Token("a", -1)]),
            new GenerationDelta(0, "ab", [Scripts.Token("b", -1)]),
            new GenerationDelta(0, "", [Scripts.Token("c", -1)]),
            new GenerationFinished(0, FinishReason.Stop, 3));
        string stream = await gateway.PostForTextAsync(Path, TestGateway.Respond(""","stream":true,"include":["message.output_text.logprobs"]"""));
        Assert.Equal(
            ["ab:a,b", ":c"],
            Events(stream).Where(each => each.Name == "response.output_text.delta").Select(each =>
                $"{each.Data.GetProperty("delta")}:{string.Join(',', each.Data.GetProperty("logprobs").EnumerateArray().Select(token => token.GetProperty("token").GetString()))}"));
    }

    [Fact]
    public async Task The_tokens_of_a_prompt_are_counted_without_running_it()
    {
        await using TestGateway gateway = await GatewayAsync(new GenerationStarted(17));
        Assert.Equal(
            """{"object":"response.input_tokens","input_tokens":17}""",
            await gateway.PostForTextAsync($"{Path}/input_tokens", TestGateway.Respond(""","instructions":"Be brief." """)));
        Assert.Equal(0, gateway.Backend.Requests.Single().Choices);
    }

    [Fact]
    public async Task A_client_that_goes_away_ends_the_generation_and_nothing_is_kept()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.ThenWait(new GenerationStarted(3), new GenerationDelta(0, "Hel", []));
        using (HttpResponseMessage response = await gateway.PostAsync(Path, TestGateway.Respond(""","stream":true""")))
        {
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
            Assert.Equal("event: response.created", await reader.ReadLineAsync());
        }

        await gateway.Backend.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30));
        using HttpResponseMessage kept = await gateway.Client.GetAsync($"{Path}/resp_1");
        await ErrorAssert.IsErrorAsync(kept, 404, null);
    }
}
