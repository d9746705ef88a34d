using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.HuggingFace;

public class ClientParameterTests
{
    static async Task<GenerationRequest> AskedAsync(string parameters)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        await gateway.PostForTextAsync("/models/tiny/v1/completions", $$"""{"model":"http://here/models/tiny","prompt":"Once"{{parameters}}}""");
        return Assert.Single(gateway.Backend.Requests);
    }

    [Fact]
    public async Task Parameters_that_the_official_client_passes_on_are_honoured()
    {
        GenerationRequest asked = await AskedAsync(""","do_sample":false,"return_full_text":true,"grammar":{"type":"regex","value":"a+"},"details":true""");
        Assert.Equal((0, true), (asked.Sampling.Temperature, asked.EchoPrompt));
        Assert.Equal(new OutputFormat(OutputFormatKind.Pattern, "a+"), asked.Format);
        Assert.Equal(
            new OutputFormat(OutputFormatKind.JsonSchema, """{"type":"object"}"""),
            (await AskedAsync(""","grammar":{"type":"json","value":{"type":"object"}}""")).Format);
    }

    [Theory]
    [InlineData(""","do_sample":true""")]
    [InlineData(""","do_sample":false,"top_k":5""")]
    [InlineData(""","do_sample":null,"watermark":false,"adapter_id":null,"truncate":null,"grammar":null""")]
    public async Task Draws_are_made_where_something_asks_for_them(string parameters) =>
        Assert.Equal(1, (await AskedAsync(parameters)).Sampling.Temperature);

    [Theory]
    [InlineData(""","watermark":true""", "'watermark'")]
    [InlineData(",\"adapter_id\":\"a\"", "'adapter_id'")]
    [InlineData(""","truncate":3""", "'truncate'")]
    [InlineData(",\"do_sample\":\"no\"", "'do_sample'")]
    [InlineData(""","grammar":{"type":"regex"}""", "'grammar.value'")]
    [InlineData(""","grammar":{"type":"regex","value":"a"},"structured_outputs":{"regex":"b"}""", "'grammar'")]
    public async Task Others_are_refused_by_name(string parameters, string named)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.PostAsync("/models/tiny/v1/completions", $$"""{"prompt":"Once"{{parameters}}}""");
        Assert.Contains(named, await ErrorAssert.IsHuggingFaceErrorAsync(response, 422, "validation"));
    }
}
