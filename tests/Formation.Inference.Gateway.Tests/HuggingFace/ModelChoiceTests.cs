using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.HuggingFace;

public class ModelChoiceTests
{
    static async Task<string> ModelOfAsync(TestGateway gateway, string path, string body = """{"inputs":"a"}""")
    {
        gateway.Backend.Requests.Clear();
        await gateway.PostForTextAsync(path, body);
        return Assert.Single(gateway.Backend.Requests).ModelId;
    }

    [Theory]
    [InlineData("/models/tiny", "tiny")]
    [InlineData("/models/tiny/", "tiny")]
    [InlineData("/models/tiny/generate", "tiny")]
    [InlineData("/models/tiny/tgi", "tiny")]
    [InlineData("/models/tiny/tgi/generate", "tiny")]
    [InlineData("/models/acme/big-1", "acme/big-1")]
    [InlineData("/models/acme/big-1/generate", "acme/big-1")]
    [InlineData("/models/acme%2Fbig-1/generate", "acme/big-1")]
    [InlineData("/models/acme/big-1/generate_stream", "acme/big-1")]
    public async Task A_path_with_a_model_names_it(string path, string model)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        Assert.Equal(model, await ModelOfAsync(gateway, path));
    }

    [Fact]
    public async Task A_path_without_a_model_means_the_operators()
    {
        await using TestGateway first = await TestGateway.StartAsync();
        Assert.Equal("acme/big-1", await ModelOfAsync(first, "/generate"));
        await using TestGateway ready = await TestGateway.StartAsync(options => options with { ModelsForReadiness = ["tiny"] });
        Assert.Equal("tiny", await ModelOfAsync(ready, "/tgi/generate"));
        await using TestGateway named = await TestGateway.StartAsync(options => options with { ModelsForReadiness = ["acme/big-1"], DefaultModel = "tiny" });
        Assert.Equal("tiny", await ModelOfAsync(named, "/"));
    }

    [Theory]
    [InlineData("/v1/completions", "http://127.0.0.1:8080", "acme/big-1")]
    [InlineData("/v1/completions", "http://127.0.0.1:8080/v1", "acme/big-1")]
    [InlineData("/v1/completions", "https://there/models/tiny", "tiny")]
    [InlineData("/v1/completions", "https://there/models/acme/big-1/v1", "acme/big-1")]
    [InlineData("/v1/completions", "tgi", "acme/big-1")]
    [InlineData("/v1/completions", "tiny", "tiny")]
    [InlineData("/models/tiny/v1/completions", "http://127.0.0.1:8080/models/tiny", "tiny")]
    [InlineData("/models/tiny/v1/completions", "another", "tiny")]
    [InlineData("/models/tiny/tgi/v1/completions", "tgi", "tiny")]
    public async Task A_model_that_is_a_URL_means_the_one_it_leads_to(string path, string given, string model)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        Assert.Equal(model, await ModelOfAsync(gateway, path, $$"""{"model":"{{given}}","prompt":"a"}"""));
        string chat = path.Replace("completions", "chat/completions");
        Assert.Equal(model, await ModelOfAsync(gateway, chat, $$"""{"model":"{{given}}","messages":[{"role":"user","content":"a"}]}"""));
    }

    [Fact]
    public async Task An_unknown_model_is_not_taken_for_the_default()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage named = await gateway.PostAsync("/v1/completions", """{"model":"other","prompt":"a"}""");
        Assert.Equal(HttpStatusCode.NotFound, named.StatusCode);
        using HttpResponseMessage linked = await gateway.PostAsync("/v1/completions", """{"model":"http://here/models/other","prompt":"a"}""");
        Assert.Equal(HttpStatusCode.NotFound, linked.StatusCode);
    }

    [Fact]
    public async Task Info_describes_the_model_and_the_limits()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        foreach (string path in (string[])["/models/tiny/info", "/models/tiny/tgi/info"])
        {
            JsonElement info = JsonElement.Parse(await gateway.Client.GetStringAsync(path));
            Assert.Equal("tiny", info.GetProperty("model_id").GetString());
            Assert.Equal("text-generation", info.GetProperty("model_pipeline_tag").GetString());
            Assert.Equal(2048, info.GetProperty("max_total_tokens").GetInt32());
            Assert.Equal(2047, info.GetProperty("max_input_tokens").GetInt32());
        }

        JsonElement root = JsonElement.Parse(await gateway.Client.GetStringAsync("/info"));
        Assert.Equal("acme/big-1", root.GetProperty("model_id").GetString());
        Assert.Equal(JsonValueKind.Null, root.GetProperty("max_total_tokens").ValueKind);
    }

    [Fact]
    public async Task Health_needs_no_key_and_follows_readiness()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { ModelsForReadiness = ["tiny"] });
        foreach (string path in (string[])["/", "/health", "/tgi/health", "/models/no/such/health"])
        {
            using HttpResponseMessage ready = await gateway.Anonymous.GetAsync(path);
            Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        }

        gateway.Catalog.Tiny = gateway.Catalog.Tiny with { State = ModelState.Loading };
        using HttpResponseMessage loading = await gateway.Anonymous.GetAsync("/health");
        Assert.Equal("unhealthy", await ErrorAssert.IsHuggingFaceErrorAsync(loading, 503, "healthcheck"));
        using HttpResponseMessage live = await gateway.Anonymous.GetAsync("/health/live");
        Assert.Equal(HttpStatusCode.OK, live.StatusCode);
    }

    [Fact]
    public async Task A_task_needs_the_scope_of_what_it_does()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        NewApiKey chat = await gateway.Keys.CreateAsync("chat", "acct", KeyScopes.Chat);
        NewApiKey vectors = await gateway.Keys.CreateAsync("vectors", "acct", KeyScopes.Embeddings);
        (NewApiKey Key, object Inputs, int Status)[] cases = [(chat, "a", 200), (chat, new[] { "a" }, 403), (vectors, "a", 403), (vectors, new[] { "a" }, 200)];
        foreach (string path in (string[])["/", "/models/tiny"])
            foreach ((NewApiKey key, object inputs, int status) in cases)
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(new { inputs }) };
                request.Headers.Authorization = new("Bearer", key.Plaintext.Value);
                using HttpResponseMessage response = await gateway.Anonymous.SendAsync(request);
                Assert.Equal(status, (int)response.StatusCode);
            }
    }

    [Fact]
    public async Task A_call_needs_its_scope()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        NewApiKey reader = await gateway.Keys.CreateAsync("reader", "acct", KeyScopes.ModelsRead);
        foreach ((string path, int status) in ((string, int)[])[("/models/tiny/generate", 403), ("/models/tiny", 403), ("/tokenize", 403), ("/tei/tokenize", 403), ("/models/tiny/embed", 403), ("/models/tiny/info", 200)])
        {
            bool reads = path.EndsWith("/info", StringComparison.Ordinal);
            using var request = new HttpRequestMessage(reads ? HttpMethod.Get : HttpMethod.Post, path);
            request.Headers.Authorization = new("Bearer", reader.Plaintext.Value);
            if (!reads)
                request.Content = JsonContent.Create(new { inputs = "a" });
            using HttpResponseMessage response = await gateway.Anonymous.SendAsync(request);
            Assert.Equal(status, (int)response.StatusCode);
        }
    }
}
