using System.Net.Http.Headers;
using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.HuggingFace;

/// <summary>The Inference API.</summary>
public class TaskTests
{
    [Theory]
    [InlineData("/models/tiny", """{"inputs":"a"}""", """[{"generated_text":"Hello world"}]""")]
    [InlineData("/models/tiny/pipeline/text-generation", """{"inputs":"a"}""", """[{"generated_text":"Hello world"}]""")]
    [InlineData("/models/tiny", """{"inputs":["a"]}""", "[[0.5,-1.25,3]]")]
    [InlineData("/", """{"inputs":["a","b"]}""", "[[0.5,-1.25,3],[0.5,-1.25,3]]")]
    [InlineData("/models/tiny/pipeline/feature-extraction", """{"inputs":"a"}""", "[0.5,-1.25,3]")]
    [InlineData("/models/acme/big-1/pipeline/feature-extraction", """{"inputs":"a","dimensions":2}""", "[0.5,-1.25]")]
    [InlineData("/pipeline/feature-extraction/acme/big-1", """{"inputs":"a","parameters":{"dimensions":1}}""", "[0.5]")]
    [InlineData("/models/tiny", """{"inputs":{"source_sentence":"a","sentences":["b","c"]},"options":{"use_cache":false}}""", "[1,1]")]
    [InlineData("/pipeline/sentence-similarity/tiny", """{"inputs":{"source_sentence":"a","sentences":["b"]}}""", "[1]")]
    public async Task The_path_or_the_form_of_the_inputs_says_which_task_is_meant(string path, string body, string answer)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.PostAsync(path, body);
        Assert.Equal(answer, await response.Content.ReadAsStringAsync());
        Assert.False(response.Headers.Contains("formation-ignored-fields"));
    }

    [Fact]
    public async Task Text_is_streamed_where_that_is_asked_for()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.PostAsync("/models/tiny", """{"inputs":"a","stream":true,"options":{"wait_for_model":true}}""");
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
    }

    [Fact]
    public async Task A_models_base_URL_has_OpenAIs_embeddings_too()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement answer = await gateway.PostForJsonAsync("/models/tiny/v1/embeddings", """{"input":"a","model":"http://here/models/tiny"}""");
        Assert.Equal("tiny", answer.GetProperty("model").GetString());
    }

    [Theory]
    [InlineData("text-classification")]
    [InlineData("image-to-text")]
    [InlineData("fill-mask")]
    public async Task A_task_that_no_model_does_is_refused_by_name(string task)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        foreach (string path in (string[])[$"/models/tiny/pipeline/{task}", $"/pipeline/{task}/tiny"])
        {
            using HttpResponseMessage response = await gateway.PostAsync(path, """{"inputs":"a"}""");
            string message = await ErrorAssert.IsHuggingFaceErrorAsync(response, 422, "validation");
            Assert.Contains($"'{task}'", message);
            Assert.Contains("'feature-extraction'", message);
        }
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"inputs":3}""")]
    [InlineData("""{"inputs":{"question":"a"}}""")]
    [InlineData("""{"inputs":"a","options":3}""")]
    [InlineData("""{"inputs":"a","options":{"wait_for_model":"yes"}}""")]
    [InlineData("""{"inputs":"a","parameters":{"temperature":-1}}""")]
    public async Task Inputs_of_no_task_and_wrong_values_are_refused(string body)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.PostAsync("/models/tiny", body);
        await ErrorAssert.IsHuggingFaceErrorAsync(response, 422, "validation");
    }

    [Fact]
    public async Task An_image_is_refused_with_what_the_models_read()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        var image = new ByteArrayContent([0xFF, 0xD8, 0xFF]);
        image.Headers.ContentType = new MediaTypeHeaderValue("image/jpeg");
        using HttpResponseMessage response = await gateway.Client.PostAsync("/models/tiny", image);
        Assert.Contains("'image/jpeg'", await ErrorAssert.IsHuggingFaceErrorAsync(response, 422, "validation"));
    }

    [Theory]
    [InlineData("""{"inputs":"a","options":{"wait_for_model":false}}""", null)]
    [InlineData("""{"inputs":["a"],"options":{"wait_for_model":false}}""", "true")]
    [InlineData("""{"inputs":"a"}""", "false")]
    public async Task Who_does_not_wait_for_a_model_is_told_when_it_may_be_there_and_it_is_loaded(string body, string? header)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Catalog.Big = gateway.Catalog.Big with { State = ModelState.Loading, LoadProgress = 0.5 };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/models/acme/big-1")
        {
            Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json"),
        };
        if (header is not null)
            request.Headers.Add("x-wait-for-model", header);
        using HttpResponseMessage response = await gateway.Client.SendAsync(request);
        Assert.Contains("loading", await ErrorAssert.IsHuggingFaceErrorAsync(response, 503, "overloaded"));
        Assert.Equal(10, JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("estimated_time").GetDouble());
        Assert.Equal(TimeSpan.FromSeconds(10), response.Headers.RetryAfter!.Delta);
        await Eventually.TrueAsync(() => gateway.Backend.Requests.Any(asked => asked is { ModelId: "acme/big-1", Choices: 0 }));
    }

    [Theory]
    [InlineData("""{"inputs":"a","options":{"wait_for_model":true}}""")]
    [InlineData("""{"inputs":"a"}""")]
    public async Task Who_waits_gets_the_answer(string body)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        Assert.Equal("""[{"generated_text":"Hello world"}]""", await gateway.PostForTextAsync("/models/acme/big-1", body));
        Assert.Equal("""[{"generated_text":"Hello world"}]""", await gateway.PostForTextAsync("/models/tiny", """{"inputs":"a","options":{"wait_for_model":false}}"""));
    }
}
