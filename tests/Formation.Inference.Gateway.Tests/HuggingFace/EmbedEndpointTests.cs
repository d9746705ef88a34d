using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.HuggingFace;

public class EmbedEndpointTests
{
    /// <summary>A vector for each input, told by its first letter: a, b and c point elsewhere, each with the length 1.</summary>
    static Task<Outcome<EmbeddingAnswer>> Letters(EmbeddingRequest request, CancellationToken cancellationToken) =>
        Task.FromResult<Outcome<EmbeddingAnswer>>(new EmbeddingAnswer([.. request.Inputs.Select(input => new InputEmbedding(1, 2, ((TextPrompt)input).Text.Value[0] switch
        {
            'a' => [1, 0],
            'b' => [0.6f, 0.8f],
            _ => [-1, 0],
        }))]));

    /// <summary>Notes the last request.</summary>
    static TestGateway Noting(TestGateway gateway, Action<EmbeddingRequest> note)
    {
        gateway.Backend.Embedder = (request, _) =>
        {
            note(request);
            return Task.FromResult<Outcome<EmbeddingAnswer>>(Scripts.Vectors(request));
        };
        return gateway;
    }

    [Theory]
    [InlineData("/embed")]
    [InlineData("/tei/embed")]
    [InlineData("/tei")]
    [InlineData("/models/tiny/embed")]
    [InlineData("/models/tiny/tei")]
    [InlineData("/models/tiny/tei/embed")]
    public async Task A_text_gets_an_array_with_its_vector(string path)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        Assert.Equal("[[0.5,-1.25,3]]", await gateway.PostForTextAsync(path, """{"inputs":"a"}"""));
    }

    [Theory]
    [InlineData(""" "a" """, 1)]
    [InlineData("[1,2,3]", 1)]
    [InlineData("""["a","b"]""", 2)]
    [InlineData("[[1,2],[3]]", 2)]
    [InlineData("""["a",[1]]""", 2)]
    public async Task Inputs_are_texts_or_token_ids_or_several_of_these(string inputs, int count)
    {
        EmbeddingRequest? asked = null;
        await using TestGateway gateway = Noting(await TestGateway.StartAsync(), request => asked = request);
        JsonElement answer = await gateway.PostForJsonAsync("/embed", $$"""{"inputs":{{inputs}}}""");
        Assert.Equal(count, answer.GetArrayLength());
        Assert.Equal(count, asked!.Inputs.Count);
        Assert.Equal((true, InputTruncation.None, null), (asked.Normalize, asked.Truncation, asked.Dimensions));
        Assert.Equal("acme/big-1", asked.ModelId);
    }

    [Theory]
    [InlineData(""" "truncate":true """, InputTruncation.End)]
    [InlineData(""" "truncate":true,"truncation_direction":"right" """, InputTruncation.End)]
    [InlineData(""" "truncate":true,"truncation_direction":"Left" """, InputTruncation.Beginning)]
    [InlineData(""" "truncation_direction":"left" """, InputTruncation.None)]
    public async Task Texts_are_cut_where_and_how_the_request_says(string fields, object truncation)
    {
        EmbeddingRequest? asked = null;
        await using TestGateway gateway = Noting(await TestGateway.StartAsync(), request => asked = request);
        await gateway.PostForTextAsync("/embed", $$"""{"inputs":"a","normalize":false,"dimensions":2,{{fields}}}""");
        Assert.Equal(((InputTruncation)truncation, false, 2), (asked!.Truncation, asked.Normalize, asked.Dimensions));
    }

    [Fact]
    public async Task Embed_all_gives_a_vector_for_each_token()
    {
        EmbeddingRequest? asked = null;
        await using TestGateway gateway = Noting(await TestGateway.StartAsync(), request => asked = request);
        JsonElement answer = await gateway.PostForJsonAsync("/embed_all", """{"inputs":["a","b"]}""");
        Assert.Equal(EmbeddingKind.Token, asked!.Kind);
        Assert.False(asked.Normalize);
        Assert.Equal((2, 5, 3), (answer.GetArrayLength(), answer[0].GetArrayLength(), answer[0][0].GetArrayLength()));
    }

    [Fact]
    public async Task Similarity_is_the_cosine_of_vectors()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Embedder = Letters;
        Assert.Equal("[0.6,1,-1]", await gateway.PostForTextAsync("/similarity", """{"inputs":{"source_sentence":"a","sentences":["b","a","c"]}}"""));
    }

    [Fact]
    public async Task Rerank_orders_texts_by_their_similarity_to_the_query()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Embedder = Letters;
        Assert.Equal(
            """[{"index":1,"score":1},{"index":2,"score":0.8},{"index":0,"score":0}]""",
            await gateway.PostForTextAsync("/rerank", """{"query":"a","texts":["c","a","b"]}"""));
        Assert.Equal(
            """[{"index":0,"text":"b","score":0.6},{"index":1,"text":"c","score":-1}]""",
            await gateway.PostForTextAsync("/rerank", """{"query":"a","texts":["b","c"],"raw_scores":true,"return_text":true}"""));
    }

    [Fact]
    public async Task Tokenize_and_decode_take_several_texts()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.ShownWords();
        Assert.Equal(
            """[[{"id":1,"text":"<s>","special":true,"start":null,"stop":null},{"id":10,"text":"a","special":false,"start":0,"stop":1}]]""",
            await gateway.PostForTextAsync("/tei/tokenize", """{"inputs":"a"}"""));
        Assert.Equal(
            """[[{"id":10,"text":"a","special":false,"start":0,"stop":1}],[{"id":10,"text":"b","special":false,"start":0,"stop":1}]]""",
            await gateway.PostForTextAsync("/models/tiny/tei/tokenize", """{"inputs":["a","b"],"add_special_tokens":false}"""));
        Assert.Equal("""[" t10"]""", await gateway.PostForTextAsync("/decode", """{"ids":[5]}"""));
        Assert.Equal("""[" t5"," t6 t7"]""", await gateway.PostForTextAsync("/decode", """{"ids":[[5],[6,7]],"skip_special_tokens":false}"""));
    }

    [Fact]
    public async Task Info_describes_the_model_that_embeds()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement info = JsonElement.Parse(await gateway.Client.GetStringAsync("/models/tiny/tei/info"));
        Assert.Equal("tiny", info.GetProperty("model_id").GetString());
        Assert.True(info.GetProperty("model_type").TryGetProperty("embedding", out _));
        Assert.Equal(2048, info.GetProperty("max_input_length").GetInt32());
    }

    [Theory]
    [InlineData("/embed", "{}", "'inputs'")]
    [InlineData("/embed", """{"inputs":""}""", "'inputs'")]
    [InlineData("/embed", """{"inputs":[]}""", "'inputs'")]
    [InlineData("/embed", """{"inputs":[""]}""", "'inputs[0]'")]
    [InlineData("/embed", """{"inputs":[[]]}""", "'inputs[0]'")]
    [InlineData("/embed", """{"inputs":[1,"a"]}""", "'inputs[1]'")]
    [InlineData("/embed", """{"inputs":[[1],[-1]]}""", "'inputs[1][0]'")]
    [InlineData("/embed", """{"inputs":{}}""", "'inputs'")]
    [InlineData("/embed", """{"inputs":"a","dimensions":0}""", "'dimensions'")]
    [InlineData("/embed", """{"inputs":"a","prompt_name":"query"}""", "'prompt_name'")]
    [InlineData("/embed", """{"inputs":"a","truncation_direction":"up"}""", "'truncation_direction'")]
    [InlineData("/embed_all", """{"inputs":3}""", "'inputs'")]
    [InlineData("/similarity", "{}", "'inputs'")]
    [InlineData("/similarity", """{"inputs":{"sentences":["a"]}}""", "'inputs.source_sentence'")]
    [InlineData("/similarity", """{"inputs":{"source_sentence":"a"}}""", "'inputs.sentences'")]
    [InlineData("/similarity", """{"inputs":{"source_sentence":"a","sentences":[]}}""", "'inputs.sentences'")]
    [InlineData("/rerank", """{"texts":["a"]}""", "'query'")]
    [InlineData("/rerank", """{"query":"a","texts":[null]}""", "'texts[0]'")]
    [InlineData("/decode", "{}", "'ids'")]
    [InlineData("/decode", """{"ids":"a"}""", "'ids'")]
    [InlineData("/decode", """{"ids":[[1],2]}""", "'ids[1]'")]
    [InlineData("/decode", """{"ids":[1.5]}""", "'ids[0]'")]
    [InlineData("/tei/tokenize", """{"inputs":[1]}""", "'inputs'")]
    [InlineData("/tei/tokenize", """{"inputs":"a","prompt_name":"x"}""", "'prompt_name'")]
    public async Task A_wrong_value_is_refused_by_name_in_the_services_shape(string path, string body, string named)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.PostAsync(path, body);
        string message = await ErrorAssert.IsHuggingFaceErrorAsync(response, 422, "Validation");
        Assert.StartsWith("Input validation error: ", message);
        Assert.Contains(named, message);
    }

    [Theory]
    [InlineData("/embed_sparse")]
    [InlineData("/predict")]
    [InlineData("/models/tiny/tei/predict")]
    public async Task What_no_model_can_is_refused_as_the_service_does_with_a_model_of_another_kind(string path)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.PostAsync(path, """{"inputs":"a"}""");
        Assert.Contains("model `", await ErrorAssert.IsHuggingFaceErrorAsync(response, 424, "Backend"));
    }

    [Theory]
    [InlineData(GenerationErrorKind.InvalidRequest, 422, "Validation")]
    [InlineData(GenerationErrorKind.ContextLengthExceeded, 422, "Validation")]
    [InlineData(GenerationErrorKind.ModelNotFound, 404, "NotFound")]
    [InlineData(GenerationErrorKind.QueueFull, 429, "Overloaded")]
    [InlineData(GenerationErrorKind.ModelUnavailable, 503, "Overloaded")]
    [InlineData(GenerationErrorKind.Internal, 424, "Backend")]
    public async Task A_failure_of_the_engine_has_the_services_status_and_type(object kind, int status, string type)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Embedder = (_, _) => Task.FromResult<Outcome<EmbeddingAnswer>>(new GenerationError((GenerationErrorKind)kind, "scripted"));
        foreach ((string path, string body) in ((string, string)[])
            [("/embed", """{"inputs":"a"}"""), ("/embed_all", """{"inputs":"a"}"""), ("/rerank", """{"query":"a","texts":["b"]}""")])
        {
            using HttpResponseMessage response = await gateway.PostAsync(path, body);
            await ErrorAssert.IsHuggingFaceErrorAsync(response, status, type);
        }
    }
}
