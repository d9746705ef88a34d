using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.OpenAI.Completions;

public class CompletionEndpointTests
{
    const string Path = "/v1/completions";

    [Fact]
    public async Task A_whole_answer_is_OpenAIs_object_with_usage()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        Transcript.Matches("completion.json", await gateway.PostForTextAsync(Path, TestGateway.Complete()));
        GenerationRequest request = Assert.Single(gateway.Backend.Requests);
        Assert.Equal("Once", ((TextPrompt)request.Prompt).Text.Value);
        Assert.Equal(16, request.Stop.MaxTokens);
    }

    [Fact]
    public async Task A_stream_ends_with_the_reason_the_usage_and_done()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        Transcript.Matches(
            "completion-stream.txt",
            await gateway.PostForTextAsync(Path, TestGateway.Complete(""","stream":true,"stream_options":{"include_usage":true}""")));
    }

    [Fact]
    public async Task Each_prompt_has_its_own_choices_in_order()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = PromptAndChoice;
        JsonElement answer = await gateway.PostForJsonAsync(Path, """{"model":"tiny","prompt":["a","b","c"],"n":2}""");
        Assert.Equal(
            ["0:a0", "1:a1", "2:b0", "3:b1", "4:c0", "5:c1"],
            answer.GetProperty("choices").EnumerateArray().Select(c => $"{c.GetProperty("index")}:{c.GetProperty("text")}"));
        Assert.Equal(9, answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
        Assert.Equal(6, answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.Equal(3, gateway.Backend.Requests.Select(r => r.RequestId).Distinct().Count());
    }

    [Fact]
    public async Task Streams_of_several_prompts_carry_the_right_indices()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = PromptAndChoice;
        string stream = await gateway.PostForTextAsync(Path, """{"model":"tiny","prompt":["a","b","c"],"n":2,"stream":true}""");

        var texts = new SortedDictionary<int, string>();
        string[] events = [.. stream.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(line => line["data: ".Length..])];
        Assert.Equal("[DONE]", events[^1]);
        foreach (string data in events[..^1])
        {
            JsonElement choice = JsonElement.Parse(data).GetProperty("choices")[0];
            int index = choice.GetProperty("index").GetInt32();
            texts[index] = texts.GetValueOrDefault(index) + choice.GetProperty("text").GetString() + choice.GetProperty("finish_reason");
        }

        Assert.Equal(["a0stop", "a1stop", "b0stop", "b1stop", "c0stop", "c1stop"], texts.Values);
    }

    [Theory]
    [InlineData("[5,6,7]", "5,6,7")]
    [InlineData("[[5],[6,7]]", "5|6,7")]
    public async Task Prompts_may_be_token_ids(string prompt, string expected)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        await gateway.PostForTextAsync(Path, $$"""{"model":"tiny","prompt":{{prompt}}}""");
        Assert.Equal(
            expected.Split('|'),
            gateway.Backend.Requests.OrderBy(r => r.RequestId).Select(r => string.Join(',', ((TokenPrompt)r.Prompt).TokenIds)));
    }

    [Fact]
    public async Task Log_probabilities_have_the_legacy_shape_and_offsets_in_code_points()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(
            new GenerationStarted(2),
            new GenerationDelta(0, "", [new TokenLogprob(1, new byte[] { 0xF0, 0x9F }, -1, [new TokenAlternative(1, new byte[] { 0xF0, 0x9F }, -1)])]),
            new GenerationDelta(0, "🙂", [new TokenLogprob(2, new byte[] { 0x99, 0x82 }, -2, [new TokenAlternative(3, "x"u8.ToArray(), -0.5f)])]),
            new GenerationDelta(0, "né", [Scripts.Token("né", -3)]),
            new GenerationDelta(0, "!", [Scripts.Token("!", -4)]),
            new GenerationFinished(0, FinishReason.Stop, 4));
        JsonElement choice = (await gateway.PostForJsonAsync(Path, """{"model":"tiny","prompt":"a🙂c","logprobs":1}""")).GetProperty("choices")[0];
        Assert.Equal("🙂né!", choice.GetProperty("text").GetString());
        Assert.Equal(
            """
            {"tokens":["bytes:\\xf0\\x9f","bytes:\\x99\\x82","né","!"],"token_logprobs":[-1,-2,-3,-4],"top_logprobs":[{"bytes:\\xf0\\x9f":-1},{"x":-0.5,"bytes:\\x99\\x82":-2},{"né":-3},{"!":-4}],"text_offset":[3,3,4,6]}
            """.Trim(),
            choice.GetProperty("logprobs").GetRawText());
    }

    [Fact]
    public async Task An_echo_begins_with_the_prompt_whose_first_token_has_no_probability()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(
            new GenerationStarted(2),
            new GenerationDelta(0, "Once", [Scripts.Token("On", null), Scripts.Token("ce", -1, ("ce", -1), ("x", -2))]) { IsEcho = true },
            new GenerationDelta(0, " upon", [Scripts.Token(" upon", -3, ("y", -1))]),
            new GenerationFinished(0, FinishReason.Length, 1));
        JsonElement answer = await gateway.PostForJsonAsync(Path, TestGateway.Complete(""","echo":true,"logprobs":2,"max_tokens":1"""));
        JsonElement choice = answer.GetProperty("choices")[0];
        Assert.Equal("Once upon", choice.GetProperty("text").GetString());
        Assert.Equal(
            """
            {"tokens":["On","ce"," upon"],"token_logprobs":[null,-1,-3],"top_logprobs":[null,{"ce":-1,"x":-2},{"y":-1," upon":-3}],"text_offset":[0,2,4]}
            """.Trim(),
            choice.GetProperty("logprobs").GetRawText());
        Assert.True(gateway.Backend.Requests.Single().EchoPrompt);
    }

    [Fact]
    public async Task Echo_alone_may_generate_nothing()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        await gateway.PostForTextAsync(Path, TestGateway.Complete(""","echo":true,"max_tokens":0"""));
        Assert.Equal(0, gateway.Backend.Requests.Single().Stop.MaxTokens);
    }

    [Fact]
    public async Task The_best_of_several_candidates_is_the_one_most_probable_per_token()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(
            new GenerationStarted(1),
            new GenerationDelta(0, "worst", [Scripts.Token("worst", -3)]),
            new GenerationDelta(1, "long best", [Scripts.Token("long", -1), Scripts.Token(" best", -1)]),
            new GenerationDelta(2, "middle", [Scripts.Token("middle", -1.5f)]),
            new GenerationFinished(2, FinishReason.Stop, 1),
            new GenerationFinished(1, FinishReason.Length, 2),
            new GenerationFinished(0, FinishReason.Stop, 1));
        JsonElement answer = await gateway.PostForJsonAsync(Path, TestGateway.Complete(""","n":2,"best_of":3"""));
        JsonElement choices = answer.GetProperty("choices");
        Assert.Equal(["long best", "middle"], choices.EnumerateArray().Select(c => c.GetProperty("text").GetString()!));
        Assert.Equal(["length", "stop"], choices.EnumerateArray().Select(c => c.GetProperty("finish_reason").GetString()!));
        Assert.All(choices.EnumerateArray(), c => Assert.Equal(JsonValueKind.Null, c.GetProperty("logprobs").ValueKind));
        Assert.Equal(4, answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        GenerationRequest request = gateway.Backend.Requests.Single();
        Assert.Equal(3, request.Choices);
        Assert.Equal(0, request.Logprobs!.Top);
    }

    [Fact]
    public async Task A_failure_of_one_prompt_ends_the_whole_request_and_the_others_with_it()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = (request, token) => ((TextPrompt)request.Prompt).Text.Value == "bad"
            ? Scripts.Events(Scripts.Failure(GenerationErrorKind.ContextLengthExceeded, "Prompt"))(request, token)
            : Scripts.ThenWait(new GenerationStarted(1))(request, token);
        using HttpResponseMessage response = await gateway.PostAsync(Path, """{"model":"tiny","prompt":["good","bad","good"]}""");
        JsonElement error = await ErrorAssert.IsErrorAsync(response, 400, "context_length_exceeded");
        Assert.Equal("prompt", error.GetProperty("param").GetString());
        Assert.Equal(0, gateway.Backend.Running);
    }

    [Fact]
    public async Task More_prompts_than_run_at_once_are_all_answered()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = PromptAndChoice;
        string prompts = string.Join(',', Enumerable.Range(0, 100).Select(i => $"\"p{i}-\""));
        JsonElement answer = await gateway.PostForJsonAsync(Path, $$"""{"model":"tiny","prompt":[{{prompts}}]}""");
        Assert.Equal(
            Enumerable.Range(0, 100).Select(i => $"p{i}-0"),
            answer.GetProperty("choices").EnumerateArray().Select(c => c.GetProperty("text").GetString()));
    }

    [Theory]
    [InlineData("\"before\"", "before>after")]
    [InlineData("\"\"", ">after")]
    [InlineData("[\"a\",\"b\"]", "a>after|b>after")]
    [InlineData("[5,6]", "5,6>after")]
    [InlineData("[[5],[6,7]]", "5>after|6,7>after")]
    public async Task A_suffix_stands_behind_the_gap_of_every_prompt(string prompt, string expected)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        await gateway.PostForTextAsync(Path, $$"""{"model":"tiny","prompt":{{prompt}},"suffix":"after","n":2,"best_of":3}""");
        Assert.Equal(
            expected.Split('|'),
            gateway.Backend.Requests.OrderBy(r => r.RequestId).Select(r => Gap(Assert.IsType<InfillPrompt>(r.Prompt))));

        static string Gap(InfillPrompt prompt) =>
            $"{(prompt.Prefix is TokenPrompt { TokenIds: var ids } ? string.Join(',', ids) : ((TextPrompt)prompt.Prefix).Text.Value)}>{prompt.Suffix.Value}";
    }

    [Theory]
    [InlineData("null")]
    [InlineData("\"\"")]
    public async Task No_suffix_is_no_gap_and_goes_with_an_echo(string suffix)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        await gateway.PostForTextAsync(Path, TestGateway.Complete($",\"suffix\":{suffix},\"echo\":true"));
        Assert.IsType<TextPrompt>(gateway.Backend.Requests.Single().Prompt);
    }

    [Fact]
    public async Task What_fills_a_gap_has_its_offsets_from_where_the_gap_is()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(
            new GenerationStarted(5),
            new GenerationDelta(0, "xy", [Scripts.Token("x", -1), Scripts.Token("y", -2)]),
            new GenerationFinished(0, FinishReason.Stop, 2));
        JsonElement answer = await gateway.PostForJsonAsync(Path, """{"model":"tiny","prompt":"a🙂","suffix":"after","logprobs":0}""");
        JsonElement choice = answer.GetProperty("choices")[0];
        Assert.Equal("xy", choice.GetProperty("text").GetString());
        Assert.Equal("[2,3]", choice.GetProperty("logprobs").GetProperty("text_offset").GetRawText());
    }

    [Fact]
    public async Task A_model_that_fills_no_gaps_is_told_as_the_fault_of_the_suffix()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(Scripts.Failure(GenerationErrorKind.InvalidRequest, nameof(InfillPrompt.Suffix)));
        using HttpResponseMessage response = await gateway.PostAsync(Path, TestGateway.Complete(""","suffix":"after","stream":true"""));
        JsonElement error = await ErrorAssert.IsErrorAsync(response, 400, "invalid_value");
        Assert.Equal("suffix", error.GetProperty("param").GetString());
    }

    static IAsyncEnumerable<GenerationEvent> PromptAndChoice(GenerationRequest request, CancellationToken token)
    {
        string prompt = ((TextPrompt)request.Prompt).Text.Value;
        int[] choices = [.. Enumerable.Range(0, request.Choices).Reverse()];
        return Scripts.Events([
            new GenerationStarted(3),
            .. choices.Select(choice => new GenerationDelta(choice, $"{prompt}{choice}", [])),
            .. choices.Select(choice => new GenerationFinished(choice, FinishReason.Stop, 1)),
        ])(request, token);
    }
}
