using System.Text;
using System.Text.Json;
using Formation.Inference.Gateway.OpenAI;
using Formation.Inference.Gateway.OpenAI.ChatCompletions;
using Formation.Inference.Gateway.OpenAI.Completions;
using Formation.Inference.Gateway.OpenAI.Embeddings;
using Formation.Inference.Gateway.OpenAI.Parameters;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Requests;

/// <summary>Damaged bodies from fixed seeds: each is understood, or refused with a 400; nothing else may happen.</summary>
public class JsonBodyFuzzTests
{
    static readonly string[] Seeds =
    [
        """{"model":"tiny","messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"Grüße 🙂"}]}],"temperature":0.5,"stop":["a","b"],"logit_bias":{"5":-1.5},"stream":true,"stream_options":{"include_usage":true},"seed":42,"n":2}""",
        """{"model":"tiny","messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"x"}],"max_tokens":10,"logprobs":true,"top_logprobs":3,"metadata":{"a":"b"},"chat_template_kwargs":{"x":[1,{"y":null}]}}""",
        """{"model":"tiny","prompt":["a","b"],"n":2,"best_of":3,"echo":true,"logprobs":2,"stop_token_ids":[1,2],"min_tokens":1,"top_k":5}""",
        """{"model":"tiny","prompt":[[1,2,3],[4]],"max_tokens":0,"echo":true,"repetition_penalty":1.1,"user":"\u0041\ud83d\ude42"}""",
        """{"model":"tiny","input":["Grüße 🙂","b"],"encoding_format":"base64","dimensions":2,"user":"u"}""",
        """{"model":"tiny","input":[[1,2,3],[4]],"encoding_format":"float","x":{"y":[null]}}""",
    ];

    [Fact]
    [Trait("Category", "Fuzz")]
    public void Damaged_bodies_are_understood_or_refused_and_nothing_else() => DamagedBody.AreUnderstoodOrRefused(Seeds, 20260222, Understand);

    [Fact]
    [Trait("Category", "Fuzz")]
    public async Task Damaged_bodies_over_HTTP_never_make_a_500()
    {
        var random = new Random(7);
        await using TestGateway gateway = await TestGateway.StartAsync();
        for (int i = 0; i < 200; i++)
        {
            var content = new ByteArrayContent(DamagedBody.Of(Seeds[random.Next(Seeds.Length)], random));
            content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
            string[] paths = ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"];
            string path = paths[random.Next(paths.Length)];
            using HttpResponseMessage response = await gateway.Client.PostAsync(path, content);
            Assert.True((int)response.StatusCode is 200 or 400 or 404, $"round {i}: {(int)response.StatusCode}");
            if ((int)response.StatusCode != 200)
                Assert.NotEqual(JsonValueKind.Undefined, JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("error").ValueKind);
        }
    }

    static void Understand(byte[] body)
    {
        if (body.AsSpan().IndexOf("\"prompt\""u8) >= 0)
        {
            CompletionRequest completion = JsonBody.Parse(body, OpenAIJsonContext.Requests.CompletionRequest);
            CompletionMapping.ToPlan(completion, "r", "a", new IgnoredFields());
            CheckOptions(completion);
        }
        else if (body.AsSpan().IndexOf("\"input\""u8) >= 0)
        {
            CreateEmbeddingRequest embedding = JsonBody.Parse(body, OpenAIJsonContext.Requests.CreateEmbeddingRequest);
            EmbeddingMapping.ToEmbedding(embedding, "r", "a", new IgnoredFields());
            EmbeddingMapping.IsBase64(embedding);
        }
        else
        {
            ChatCompletionRequest chat = JsonBody.Parse(body, OpenAIJsonContext.Requests.ChatCompletionRequest);
            ChatCompletionMapping.ToGeneration(chat, "r", "a", keeps: true, new IgnoredFields());
            CheckOptions(chat);
        }
    }

    static void CheckOptions(GenerationFields fields) =>
        CommonMapping.IncludeUsage(fields);
}
