using System.Net.Http.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.HuggingFace;

public class GenerateRefusalTests(SharedGateway shared) : IClassFixture<SharedGateway>
{
    [Theory]
    [InlineData("{}", "'inputs'")]
    [InlineData("""{"inputs":""}""", "'inputs'")]
    [InlineData("""{"inputs":["a"]}""", "'inputs'")]
    [InlineData("""{"inputs":"a","parameters":{"temperature":0}}""", "'temperature'")]
    [InlineData("""{"inputs":"a","parameters":{"temperature":-1}}""", "'temperature'")]
    [InlineData("""{"inputs":"a","parameters":{"top_p":0}}""", "'top_p'")]
    [InlineData("""{"inputs":"a","parameters":{"top_p":1}}""", "'top_p'")]
    [InlineData("""{"inputs":"a","parameters":{"typical_p":0}}""", "'typical_p'")]
    [InlineData("""{"inputs":"a","parameters":{"typical_p":1.5}}""", "'typical_p'")]
    [InlineData("""{"inputs":"a","parameters":{"top_k":0}}""", "'top_k'")]
    [InlineData("""{"inputs":"a","parameters":{"top_k":"x"}}""", "'parameters.top_k'")]
    [InlineData("""{"inputs":"a","parameters":{"repetition_penalty":0}}""", "'repetition_penalty'")]
    [InlineData("""{"inputs":"a","parameters":{"frequency_penalty":3}}""", "'frequency_penalty'")]
    [InlineData("""{"inputs":"a","parameters":{"max_new_tokens":0}}""", "'max_new_tokens'")]
    [InlineData("""{"inputs":"a","parameters":{"truncate":0}}""", "'truncate'")]
    [InlineData("""{"inputs":"a","parameters":{"seed":-1}}""", "'parameters.seed'")]
    [InlineData("""{"inputs":"a","parameters":{"best_of":2}}""", "'best_of'")]
    [InlineData("""{"inputs":"a","parameters":{"best_of":0}}""", "'best_of'")]
    [InlineData("""{"inputs":"a","parameters":{"best_of":17,"do_sample":true}}""", "'best_of'")]
    [InlineData("""{"inputs":"a","parameters":{"best_of":2,"do_sample":true,"seed":1}}""", "'seed'")]
    [InlineData("""{"inputs":"a","parameters":{"top_n_tokens":21}}""", "'top_n_tokens'")]
    [InlineData("""{"inputs":"a","parameters":{"stop":[""]}}""", "'stop[0]'")]
    [InlineData("""{"inputs":"a","parameters":{"stop":[null]}}""", "'stop[0]'")]
    [InlineData("""{"inputs":"a","parameters":{"stop":["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16","17"]}}""", "'stop'")]
    [InlineData("""{"inputs":"a","parameters":{"watermark":true}}""", "'watermark'")]
    [InlineData("""{"inputs":"a","parameters":{"adapter_id":"x"}}""", "'adapter_id'")]
    [InlineData("""{"inputs":"a","parameters":{"grammar":"x"}}""", "'grammar'")]
    [InlineData("""{"inputs":"a","parameters":{"grammar":{"type":"gbnf","value":"x"}}}""", "'grammar.type'")]
    [InlineData("""{"inputs":"a","parameters":{"grammar":{"type":"regex"}}}""", "'grammar.value'")]
    [InlineData("""{"inputs":"a","parameters":{"grammar":{"type":"regex","value":{}}}}""", "'grammar.value'")]
    [InlineData("""{"inputs":"a","parameters":{"grammar":{"type":"json","value":"{"}}}""", "'grammar.value'")]
    [InlineData("""{"inputs":"a","parameters":{"grammar":{"type":"json","value":3}}}""", "'grammar.value'")]
    [InlineData("""{"inputs":"a","parameters":{"grammar":{"type":"json_schema","value":{}}}}""", "'grammar.value.schema'")]
    [InlineData("""{"inputs":"a","parameters":{"details":true,"details":true}}""", "'parameters.details'")]
    [InlineData("{", "JSON")]
    [InlineData("null", "null")]
    public async Task A_wrong_value_is_refused_by_name_in_the_services_shape(string body, string named)
    {
        using HttpResponseMessage response = await shared.Gateway.PostAsync("/generate", body);
        string message = await ErrorAssert.IsHuggingFaceErrorAsync(response, 422, "validation");
        Assert.StartsWith("Input validation error: ", message);
        Assert.Contains(named, message);
    }

    [Theory]
    [InlineData(""" "best_of":2,"do_sample":true """, "'best_of'")]
    [InlineData(""" "decoder_input_details":true """, "'decoder_input_details'")]
    public async Task What_a_stream_does_not_have_is_refused(string parameters, string named)
    {
        using HttpResponseMessage response = await shared.Gateway.PostAsync("/generate_stream", GenerateEndpointTests.Body(parameters));
        Assert.Contains(named, await ErrorAssert.IsHuggingFaceErrorAsync(response, 422, "validation"));
    }

    [Theory]
    [InlineData(GenerationErrorKind.InvalidRequest, 422, "validation")]
    [InlineData(GenerationErrorKind.ContextLengthExceeded, 422, "validation")]
    [InlineData(GenerationErrorKind.ModelNotFound, 404, "not_found")]
    [InlineData(GenerationErrorKind.QueueFull, 429, "overloaded")]
    [InlineData(GenerationErrorKind.ModelUnavailable, 503, "overloaded")]
    [InlineData(GenerationErrorKind.ShuttingDown, 503, "overloaded")]
    [InlineData(GenerationErrorKind.Internal, 424, "generation")]
    public async Task A_failure_of_the_engine_has_the_services_status_and_type(object kind, int status, string type)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(Scripts.Failure((GenerationErrorKind)kind));
        foreach (string path in (string[])["/generate", "/generate_stream", "/", "/tokenize"])
        {
            using HttpResponseMessage response = await gateway.PostAsync(path, GenerateEndpointTests.Body());
            await ErrorAssert.IsHuggingFaceErrorAsync(response, status, type);
        }
    }

    [Fact]
    public async Task What_fails_before_a_route_has_the_services_shape_too()
    {
        using HttpResponseMessage noKey = await shared.Gateway.Anonymous.PostAsync("/generate", JsonContent.Create(new { inputs = "a" }));
        await ErrorAssert.IsHuggingFaceErrorAsync(noKey, 401, "unauthorized");
        using HttpResponseMessage noRoute = await shared.Gateway.PostAsync("/tgi/elsewhere", "{}");
        await ErrorAssert.IsHuggingFaceErrorAsync(noRoute, 404, "not_found");
        using HttpResponseMessage wrongMethod = await shared.Gateway.Client.GetAsync("/generate");
        await ErrorAssert.IsHuggingFaceErrorAsync(wrongMethod, 405, "method_not_allowed");
        using HttpResponseMessage noModel = await shared.Gateway.PostAsync("/models/no/such/generate", """{"inputs":"a"}""");
        await ErrorAssert.IsHuggingFaceErrorAsync(noModel, 404, "not_found");
        await using TestGateway narrow = await TestGateway.StartAsync(options => options with { MaxRequestBodyBytes = 2048 });
        using HttpResponseMessage tooLarge = await narrow.PostAsync("/generate", $$"""{"inputs":"{{new string('a', 4096)}}"}""");
        await ErrorAssert.IsHuggingFaceErrorAsync(tooLarge, 413, "validation");
    }
}
