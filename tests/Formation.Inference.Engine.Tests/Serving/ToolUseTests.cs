using System.Text.Json;
using System.Text.RegularExpressions;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Testing.Fakes;

namespace Formation.Inference.Engine.Tests.Serving;

/// <summary>An invented model, which draws nonsense, calls tools; its template (ChatML) knows none.</summary>
public sealed partial class ToolUseTests : IAsyncDisposable
{
    const string Tools = """
        [{"type":"function","function":{"name":"weather","description":"Says how it is out there.","parameters":{"type":"object",
        "properties":{"days":{"type":"integer","minimum":1,"maximum":14},"unit":{"enum":["C","F"]}},"required":["days","unit"],"additionalProperties":false}}},
        {"type":"function","function":{"name":"clock","parameters":{"type":"object","properties":{},"additionalProperties":false}}}]
        """;

    readonly EngineHarness _harness = new(blocks: 256);
    readonly PromptEncoder _encoder;

    public ToolUseTests() => _encoder = new PromptEncoder(_harness.Model.Servable, 1024, TimeProvider.System);

    public ValueTask DisposeAsync() => _harness.DisposeAsync();

    GenerationRequest Request(ToolUse use, int seed = 1, string tools = Tools)
    {
        using var document = JsonDocument.Parse(tools);
        return _harness.Request(200, new SamplingParams { Seed = seed }) with
        {
            Prompt = new ChatPrompt([new ChatMessage("user", $"Is it raining in the town with number {seed}?")]) { Tools = document.RootElement.Clone() },
            ToolUse = use,
        };
    }

    async Task<CollectedGeneration> RunAsync(GenerationRequest request)
    {
        var (tokens, error) = _encoder.Encode(request, CancellationToken.None);
        Assert.Null(error);
        return await _harness.RunAsync(request, tokens);
    }

    [Fact]
    public async Task Nonsense_becomes_calls_with_valid_arguments()
    {
        var called = new HashSet<string>();
        foreach (var seed in Enumerable.Range(0, 30))
        {
            var generation = await RunAsync(Request(new ToolUse(ToolChoice.Required) { IsParallel = false }, seed));
            Assert.Equal(FinishReason.Stop, generation.Finished(0).Reason);
            var call = Call().Match(generation.Text(0));
            Assert.True(call.Success, generation.Text(0));
            called.Add(call.Groups["name"].Value);
            using var arguments = JsonDocument.Parse(call.Groups["arguments"].Value);
            if (call.Groups["name"].Value == "clock")
                Assert.Empty(arguments.RootElement.EnumerateObject());
            else
            {
                Assert.InRange(arguments.RootElement.GetProperty("days").GetInt32(), 1, 14);
                Assert.Contains(arguments.RootElement.GetProperty("unit").GetString(), (string[])["C", "F"]);
            }
        }
        Assert.Equal(["clock", "weather"], called.Order());
    }

    [Fact]
    public async Task The_stream_begins_with_how_calls_stand_in_it()
    {
        var generation = await RunAsync(Request(new ToolUse(ToolChoice.Auto)));
        Assert.Equal(ToolCallSyntax.Default, Assert.IsType<GenerationStarted>(generation.Events[0]).ToolCalls);
    }

    [Fact]
    public async Task Without_a_choice_to_call_nothing_is_said_of_calls()
    {
        var generation = await RunAsync(Request(new ToolUse(ToolChoice.Auto)) with { ToolUse = null });
        Assert.Null(Assert.IsType<GenerationStarted>(generation.Events[0]).ToolCalls);
    }

    [Fact]
    public void A_template_that_knows_no_tools_is_told_of_them_and_of_earlier_calls_in_words()
    {
        using var calls = JsonDocument.Parse("""[{"id":"1","type":"function","function":{"name":"clock","arguments":"{}"}}]""");
        var request = Request(new ToolUse(ToolChoice.Auto));
        var prompt = (ChatPrompt)request.Prompt with
        {
            Messages =
            [
                new ChatMessage("system", "Be kind."),
                new ChatMessage("user", "When?"),
                new ChatMessage("assistant", null) { ToolCalls = calls.RootElement },
                new ChatMessage("tool", "noon") { ToolCallId = "1" },
            ],
        };
        var (tokens, error) = _encoder.Encode(request with { Prompt = prompt }, CancellationToken.None);
        Assert.Null(error);
        var text = _harness.Model.Tokenizer.Decode(tokens, renderControl: true);
        Assert.Contains("<|im_start|>system\nBe kind.\n\nYou may call tools", text);
        Assert.Contains("\"name\":\"weather\"", text);
        Assert.Contains("<|im_start|>assistant\n<tool_call>\n{\"name\": \"clock\", \"arguments\": {}}\n</tool_call><|im_end|>", text);
        Assert.Contains("<|im_start|>user\n<tool_response>\nnoon\n</tool_response><|im_end|>", text);
    }

    [Theory]
    [InlineData("""[{"type":"function","function":{"name":"f","parameters":{"type":"strange"}}}]""", null, "'f'")]
    [InlineData("""[{"type":"function","function":{"name":"a b"}}]""", null, "name")]
    [InlineData("""[{"type":"function"}]""", null, "function")]
    [InlineData("[]", null, "none")]
    [InlineData(Tools, "rain", "'rain'")]
    public void Tools_that_cant_be_called_are_refused_with_the_reason(string tools, string? name, string reason)
    {
        var error = _encoder.Encode(Request(new ToolUse(ToolChoice.Required) { Name = name }, tools: tools), CancellationToken.None).Error!;
        Assert.Equal((GenerationErrorKind.InvalidRequest, nameof(GenerationRequest.ToolUse)), (error.Kind, error.Parameter));
        Assert.Contains(reason, error.Message);
    }

    [GeneratedRegex("""^<tool_call>\n\{"name": "(?<name>weather|clock)", "arguments": (?<arguments>.*)\}\n</tool_call>$""", RegexOptions.Singleline)]
    private static partial Regex Call();
}
