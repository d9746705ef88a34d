using System.Buffers.Binary;
using System.Diagnostics;
using System.Text.Json;
using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.OpenAI.Embeddings;

public class EmbeddingEndpointTests
{
    const string Path = "/v1/embeddings";

    static string Body(string more = "") => $$"""{"model":"tiny","input":"Once"{{more}}}""";

    [Fact]
    public async Task An_answer_is_OpenAIs_list_with_usage()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        Transcript.Matches("embeddings.json", await gateway.PostForTextAsync(Path, """{"model":"tiny","input":["Once","Twice"]}"""));
        EmbeddingRequest request = Assert.Single(gateway.Backend.Embeddings);
        Assert.Equal(["Once", "Twice"], request.Inputs.Select(input => ((TextPrompt)input).Text.Value));
        Assert.Equal((true, null, InputTruncation.None, EmbeddingKind.Input), (request.Normalize, request.Dimensions, request.Truncation, request.Kind));
        Assert.StartsWith("req_", request.RequestId);
    }

    [Fact]
    public async Task Base64_is_the_same_vector_as_four_bytes_a_value_little_endian()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement answer = await gateway.PostForJsonAsync(Path, Body(""","encoding_format":"base64" """));
        byte[] bytes = answer.GetProperty("data")[0].GetProperty("embedding").GetBytesFromBase64();
        Assert.Equal([0.5f, -1.25f, 3f], Enumerable.Range(0, 3).Select(i => BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(4 * i))));
        Assert.Equal(12, bytes.Length);
    }

    [Fact]
    public async Task Every_value_of_a_vector_arrives_bit_for_bit_in_both_forms()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        var random = new Random(1);
        float[] values = [float.Epsilon, -0f, float.MaxValue, .. Enumerable.Range(0, 5000).Select(_ => (float)(random.NextDouble() - 0.5))];
        gateway.Backend.Embedder = (_, _) => Task.FromResult<Outcome<EmbeddingAnswer>>(
            new EmbeddingAnswer([new InputEmbedding(1, values.Length, values)]));
        JsonElement numbers = (await gateway.PostForJsonAsync(Path, Body())).GetProperty("data")[0].GetProperty("embedding");
        JsonElement text = (await gateway.PostForJsonAsync(Path, Body(""","encoding_format":"base64" """))).GetProperty("data")[0].GetProperty("embedding");
        int[] bits = [.. values.Select(BitConverter.SingleToInt32Bits)];
        Assert.Equal(bits, numbers.EnumerateArray().Select(value => BitConverter.SingleToInt32Bits(value.GetSingle())));
        byte[] bytes = text.GetBytesFromBase64();
        Assert.Equal(bits, Enumerable.Range(0, values.Length).Select(i => BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(4 * i))));
    }

    [Theory]
    [InlineData("\"a\"", "a")]
    [InlineData("[\"a\",\"b\"]", "a|b")]
    [InlineData("[5,6,7]", "5,6,7")]
    [InlineData("[[5],[6,7]]", "5|6,7")]
    public async Task An_input_is_a_text_texts_token_ids_or_lists_of_them(string input, string expected)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement answer = await gateway.PostForJsonAsync(Path, $$"""{"model":"tiny","input":{{input}}}""");
        IReadOnlyList<Prompt> inputs = Assert.Single(gateway.Backend.Embeddings).Inputs;
        Assert.Equal(expected, string.Join('|', inputs.Select(each => each is TextPrompt text ? text.Text.Value : string.Join(',', ((TokenPrompt)each).TokenIds))));
        Assert.Equal(Enumerable.Range(0, inputs.Count), answer.GetProperty("data").EnumerateArray().Select(each => each.GetProperty("index").GetInt32()));
        Assert.Equal(5 * inputs.Count, answer.GetProperty("usage").GetProperty("total_tokens").GetInt32());
    }

    [Fact]
    public async Task As_many_inputs_as_there_may_be_are_taken_and_one_more_is_refused()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string inputs = string.Join(',', Enumerable.Repeat("\"x\"", 2048));
        Assert.Equal(2048, (await gateway.PostForJsonAsync(Path, $$"""{"model":"tiny","input":[{{inputs}}]}""")).GetProperty("data").GetArrayLength());
        using HttpResponseMessage response = await gateway.PostAsync(Path, $$"""{"model":"tiny","input":[{{inputs}},"x"]}""");
        JsonElement error = await ErrorAssert.IsErrorAsync(response, 400, "array_above_max_length");
        Assert.Equal("input", error.GetProperty("param").GetString());
    }

    [Theory]
    [InlineData("""{"model":"tiny"}""", "missing_required_parameter", "input")]
    [InlineData("""{"model":"tiny","input":null}""", "missing_required_parameter", "input")]
    [InlineData("""{"model":"tiny","input":""}""", "invalid_value", "input")]
    [InlineData("""{"model":"tiny","input":[]}""", "empty_array", "input")]
    [InlineData("""{"model":"tiny","input":["a",""]}""", "invalid_value", "input[1]")]
    [InlineData("""{"model":"tiny","input":[[]]}""", "empty_array", "input[0]")]
    [InlineData("""{"model":"tiny","input":[[1],[]]}""", "empty_array", "input[1]")]
    [InlineData("""{"model":"tiny","input":["a",5]}""", "invalid_type", "input[1]")]
    [InlineData("""{"model":"tiny","input":[5,"a"]}""", "invalid_type", "input[1]")]
    [InlineData("""{"model":"tiny","input":[[5],"a"]}""", "invalid_type", "input[1]")]
    [InlineData("""{"model":"tiny","input":[1.5]}""", "invalid_type", "input[0]")]
    [InlineData("""{"model":"tiny","input":[-1]}""", "invalid_value", "input[0]")]
    [InlineData("""{"model":"tiny","input":[[99999999999]]}""", "invalid_value", "input[0][0]")]
    [InlineData("""{"model":"tiny","input":5}""", "invalid_type", "input")]
    [InlineData("""{"model":"tiny","input":{}}""", "invalid_type", "input")]
    [InlineData("""{"model":"tiny","input":[null]}""", "invalid_type", "input")]
    [InlineData("""{"input":"a"}""", "missing_required_parameter", "model")]
    [InlineData("""{"model":5,"input":"a"}""", "invalid_type", "model")]
    [InlineData("""{"model":"tiny","input":"a","dimensions":0}""", "integer_below_min_value", "dimensions")]
    [InlineData("""{"model":"tiny","input":"a","dimensions":99999999999}""", "integer_above_max_value", "dimensions")]
    [InlineData("""{"model":"tiny","input":"a","dimensions":"8"}""", "invalid_type", "dimensions")]
    [InlineData("""{"model":"tiny","input":"a","encoding_format":"hex"}""", "invalid_value", "encoding_format")]
    [InlineData("""{"model":"tiny","input":"a","encoding_format":5}""", "invalid_type", "encoding_format")]
    [InlineData("""{"model":"tiny","input":"a","user":5}""", "invalid_type", "user")]
    [InlineData("""{"model":"tiny","input":"a","input":"b"}""", "duplicate_parameter", "input")]
    [InlineData("""{"model":"tiny","input":"a" """, "invalid_json", null)]
    [InlineData("[]", "invalid_type", null)]
    public async Task A_body_at_fault_is_refused_with_its_place(string body, string code, string? param)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.PostAsync(Path, body);
        JsonElement error = await ErrorAssert.IsErrorAsync(response, 400, code);
        Assert.Equal(param, error.GetProperty("param").GetString());
        Assert.Empty(gateway.Backend.Embeddings);
    }

    [Theory]
    [InlineData(GenerationErrorKind.InvalidRequest, "Dimensions", 400, "invalid_value", "dimensions")]
    [InlineData(GenerationErrorKind.InvalidRequest, "ModelId", 400, "invalid_value", "model")]
    [InlineData(GenerationErrorKind.ContextLengthExceeded, "Inputs", 400, "context_length_exceeded", "input")]
    [InlineData(GenerationErrorKind.QueueFull, null, 429, "rate_limit_exceeded", null)]
    [InlineData(GenerationErrorKind.ModelUnavailable, null, 503, "model_unavailable", null)]
    [InlineData(GenerationErrorKind.Internal, null, 500, null, null)]
    public async Task What_the_engine_refuses_is_OpenAIs_error(GenerationErrorKind kind, string? parameter, int status, string? code, string? param)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Embedder = (_, _) => Task.FromResult<Outcome<EmbeddingAnswer>>(new GenerationError(kind, "scripted") { Parameter = parameter });
        using HttpResponseMessage response = await gateway.PostAsync(Path, Body());
        string type = status switch { 429 => "requests", >= 500 => "server_error", _ => "invalid_request_error" };
        JsonElement error = await ErrorAssert.IsErrorAsync(response, status, code, type);
        Assert.Equal(param, error.GetProperty("param").GetString());
        Assert.Equal(status is 429 or 503, response.Headers.RetryAfter is not null);
    }

    [Fact]
    public async Task A_model_that_does_not_exist_is_a_404()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.PostAsync(Path, """{"model":"nope","input":"a"}""");
        await ErrorAssert.IsErrorAsync(response, 404, "model_not_found");
        Assert.Empty(gateway.Backend.Embeddings);
    }

    [Fact]
    public async Task A_key_for_chat_alone_may_not_embed_and_one_for_embeddings_alone_may_not_chat()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        Assert.Equal((403, 200), (await StatusAsync(KeyScopes.Chat, Path, Body()), await StatusAsync(KeyScopes.Chat, "/v1/chat/completions", TestGateway.Chat())));
        Assert.Equal(
            (200, 403), (await StatusAsync(KeyScopes.Embeddings, Path, Body()), await StatusAsync(KeyScopes.Embeddings, "/v1/chat/completions", TestGateway.Chat())));

        async Task<int> StatusAsync(KeyScopes scopes, string path, string body)
        {
            string key = (await gateway.Keys.CreateAsync("key", "account", scopes)).Plaintext.Value;
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, null, "application/json") };
            request.Headers.Authorization = new("Bearer", key);
            using HttpResponseMessage response = await gateway.Anonymous.SendAsync(request);
            return (int)response.StatusCode;
        }
    }

    [Fact]
    public async Task A_client_that_goes_away_cancels_its_request_and_gives_its_place_back()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { MaxConcurrentRequests = 1 });
        gateway.Backend.Embedder = async (_, cancellationToken) =>
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            throw new UnreachableException();
        };
        using var leave = new CancellationTokenSource();
        Task<HttpResponseMessage> waiting = gateway.PostAsync(Path, Body(), leave.Token);
        await Eventually.TrueAsync(() => gateway.Backend.Running == 1);
        using (HttpResponseMessage crowded = await gateway.PostAsync(Path, Body()))
            await ErrorAssert.IsErrorAsync(crowded, 429, "rate_limit_exceeded", "requests");
        leave.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await gateway.Backend.Cancelled.Task;
        await Eventually.TrueAsync(() => gateway.Backend.Running == 0);
        gateway.Backend.Embedder = (request, _) => Task.FromResult<Outcome<EmbeddingAnswer>>(Scripts.Vectors(request));
        await Eventually.TrueAsync(async () =>
        {
            using HttpResponseMessage response = await gateway.PostAsync(Path, Body());
            return response.IsSuccessStatusCode;
        });
    }

    [Fact]
    public async Task Log_and_metrics_tell_of_tokens_and_never_of_texts_or_values()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        await gateway.PostForTextAsync(Path, """{"model":"tiny","input":["CANARY one","CANARY two"]}""");
        gateway.Backend.Embedder = (_, _) => throw new InvalidOperationException("scripted fault");
        using (HttpResponseMessage failed = await gateway.PostAsync(Path, """{"model":"tiny","input":"CANARY","CANARY":1}"""))
            await ErrorAssert.IsErrorAsync(failed, 500, null, "server_error");
        string metrics = await gateway.Anonymous.GetStringAsync("/metrics");
        Assert.Contains("""formation_http_requests_total{model_name="tiny",route="/v1/embeddings",status="200",stream_error=""} 1""", metrics);
        Assert.DoesNotContain("CANARY", metrics);
        string[] ours = [.. gateway.Logs.Lines.Where(line => line.Contains(" Formation.", StringComparison.Ordinal))];
        Assert.DoesNotContain(ours, line => line.Contains("CANARY") || line.Contains("-1.25"));
        Assert.Contains(ours, line => line.Contains("/v1/embeddings 200") && line.Contains("10 + 0"));
    }

    [Fact]
    public async Task The_trace_has_the_operation_and_the_tokens()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        var spans = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Formation.Inference.Gateway",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span =>
            {
                lock (spans)
                    spans.Add(span);
            },
        };
        ActivitySource.AddActivityListener(listener);
        JsonElement _ = await gateway.PostForJsonAsync(Path, Body());
        string id = gateway.Backend.Embeddings.Single().RequestId;
        Activity[] ours;
        lock (spans)
            ours = [.. spans.Where(each => id.Equals(each.GetTagItem("formation.request_id")) && each.DisplayName.StartsWith("embeddings", StringComparison.Ordinal))];
        Assert.Contains(ours, span => span.DisplayName == "embeddings tiny" && 5.Equals(span.GetTagItem("gen_ai.usage.input_tokens")));
    }

    [Fact]
    public async Task Models_tell_how_wide_their_vectors_are()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Catalog.Tiny = gateway.Catalog.Tiny with { Embedding = new EmbeddingTraits(384, 2048) };
        JsonElement models = JsonElement.Parse(await gateway.Client.GetStringAsync("/v1/models")).GetProperty("data");
        Assert.Equal(
            ["acme/big-1:", "tiny:384"], models.EnumerateArray().Select(model => $"{model.GetProperty("id")}:{model.GetProperty("embedding_width")}"));
    }
}
