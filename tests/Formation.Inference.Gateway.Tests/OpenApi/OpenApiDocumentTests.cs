using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Formation.Inference.Gateway.Tests.OpenApi;

public class OpenApiDocumentTests(SharedGateway shared) : IClassFixture<SharedGateway>
{
    async Task<JsonElement> DocumentAsync() => JsonElement.Parse(await shared.Gateway.Anonymous.GetStringAsync("/openapi/v1.json"));

    static JsonElement Schema(JsonElement document, string name) => document.GetProperty("components").GetProperty("schemas").GetProperty(name);

    [Fact]
    public async Task Every_route_of_the_API_is_described_with_its_method()
    {
        JsonElement paths = (await DocumentAsync()).GetProperty("paths");
        string[] undescribed = ["/metrics", "/openapi/{documentName}.json"];
        foreach (RouteEndpoint route in shared.Gateway.App.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>())
        {
            // The calls of one model are those of the root, where they are described.
            string pattern = route.RoutePattern.RawText!;
            if (undescribed.Contains(pattern) || pattern.StartsWith("/models/", StringComparison.Ordinal) || pattern.StartsWith("/pipeline/", StringComparison.Ordinal))
                continue;
            JsonElement path = paths.GetProperty(route.RoutePattern.RawText!.Replace("{**model}", "{model}"));
            string method = Assert.Single(route.Metadata.GetRequiredMetadata<IHttpMethodMetadata>().HttpMethods);
            JsonElement operation = path.GetProperty(method.ToLowerInvariant());
            Assert.False(string.IsNullOrEmpty(operation.GetProperty("operationId").GetString()));
            Assert.False(string.IsNullOrEmpty(operation.GetProperty("summary").GetString()));
        }
    }

    [Fact]
    public async Task Every_reference_leads_to_a_component()
    {
        JsonElement document = await DocumentAsync();
        string[] references = [.. References(document)];
        Assert.True(references.Length > 20);
        foreach (string reference in references)
        {
            JsonElement at = document;
            foreach (string step in reference.Split('/').Skip(1))
                Assert.True(at.TryGetProperty(step, out at), reference);
        }
    }

    [Theory]
    [InlineData("ChatCompletionRequest")]
    [InlineData("CompletionRequest")]
    public async Task Described_parameters_are_accepted_and_refused_ones_are_not_described(string name)
    {
        JsonElement schema = Schema(await DocumentAsync(), name);
        bool chat = name == "ChatCompletionRequest";
        string[] described = [.. schema.GetProperty("properties").EnumerateObject().Select(p => p.Name)];
        Assert.Equal(chat, described.Contains("tools"));
        Assert.DoesNotContain("functions", described);
        Assert.Equal(!chat, described.Contains("suffix"));
        Assert.DoesNotContain("unknown", described);
        Assert.False(schema.GetProperty("additionalProperties").GetBoolean());
        Assert.Equal(["messages", "model", "prompt"], schema.GetProperty("required").EnumerateArray().Select(r => r.GetString()!)
            .Append(chat ? "prompt" : "messages").Order());

        // A null for each described parameter is understood, so each is known by that name.
        foreach (string parameter in described.Except(["model", "messages", "prompt"]))
        {
            string more = $",\"{parameter}\":null";
            using HttpResponseMessage response = chat
                ? await shared.Gateway.ChatAsync(more)
                : await shared.Gateway.PostAsync("/v1/completions", TestGateway.Complete(more));
            Assert.True(response.IsSuccessStatusCode, parameter);
        }
    }

    [Fact]
    public async Task An_answer_has_exactly_the_described_properties()
    {
        JsonElement document = await DocumentAsync();
        JsonElement answer = await shared.Gateway.PostForJsonAsync(
            "/v1/chat/completions", TestGateway.Chat(""","logprobs":true,"top_logprobs":1"""));
        Conforms(answer, Schema(document, "ChatCompletion"), document, "chat");
        answer = await shared.Gateway.PostForJsonAsync("/v1/completions", TestGateway.Complete(""","logprobs":1"""));
        Conforms(answer, Schema(document, "Completion"), document, "completion");
        answer = await shared.Gateway.PostForJsonAsync("/v1/embeddings", """{"model":"tiny","input":"Once"}""");
        Conforms(answer, Schema(document, "EmbeddingList"), document, "embeddings");
        answer = JsonElement.Parse(await shared.Gateway.Client.GetStringAsync("/v1/models"));
        Conforms(answer, Schema(document, "ModelList"), document, "models");
        using HttpResponseMessage refused = await shared.Gateway.ChatAsync(""","n":0""");
        Conforms(JsonElement.Parse(await refused.Content.ReadAsStringAsync()), Schema(document, "ErrorBody"), document, "error");
    }

    [Fact]
    public async Task Every_field_of_an_embedding_is_described_and_accepted_and_its_vector_is_numbers_or_a_text()
    {
        JsonElement document = await DocumentAsync();
        JsonElement schema = Schema(document, "CreateEmbeddingRequest");
        string[] described = [.. schema.GetProperty("properties").EnumerateObject().Select(p => p.Name)];
        Assert.Equal(["dimensions", "encoding_format", "input", "model", "user"], described.Order());
        Assert.Equal(["input", "model"], schema.GetProperty("required").EnumerateArray().Select(r => r.GetString()!).Order());
        Assert.Equal(4, schema.GetProperty("properties").GetProperty("input").GetProperty("oneOf").GetArrayLength());
        JsonElement vector = Schema(document, "EmbeddingObject").GetProperty("properties").GetProperty("embedding");
        if (vector.TryGetProperty("$ref", out JsonElement reference))
            vector = Schema(document, reference.GetString()!.Split('/')[^1]);
        Assert.Equal(["array", "string"], vector.GetProperty("oneOf").EnumerateArray().Select(form => form.GetProperty("type").GetString()!));
    }

    [Theory]
    [InlineData("MessagesRequest", "/v1/messages", "max_tokens,messages,model")]
    [InlineData("CountTokensRequest", "/v1/messages/count_tokens", "messages,model")]
    public async Task Described_fields_of_messages_are_accepted_and_refused_ones_are_not_described(string name, string path, string required)
    {
        JsonElement schema = Schema(await DocumentAsync(), name);
        string[] described = [.. schema.GetProperty("properties").EnumerateObject().Select(p => p.Name)];
        Assert.DoesNotContain("tools", described);
        Assert.DoesNotContain("container", described);
        Assert.DoesNotContain("unknown", described);
        Assert.False(schema.GetProperty("additionalProperties").GetBoolean());
        Assert.Equal(required.Split(','), schema.GetProperty("required").EnumerateArray().Select(r => r.GetString()!).Order());
        foreach (string field in described.Except(required.Split(',')))
        {
            string maxTokens = required.Contains("max_tokens") ? "\"max_tokens\":5," : "";
            using HttpResponseMessage response = await shared.Gateway.SendAnthropicAsync(
                path, $$"""{"model":"tiny",{{maxTokens}}"messages":[{"role":"user","content":"Hi"}],"{{field}}":null}""");
            Assert.True(response.IsSuccessStatusCode, field);
        }
    }

    [Fact]
    public async Task Messages_counts_events_and_errors_have_exactly_the_described_properties()
    {
        JsonElement document = await DocumentAsync();
        TestGateway gateway = shared.Gateway;
        Conforms(JsonElement.Parse(await gateway.SendAnthropicForTextAsync("/v1/messages", TestGateway.Messages())), Schema(document, "Message"), document, "message");
        string count = await gateway.SendAnthropicForTextAsync("/v1/messages/count_tokens", """{"model":"tiny","messages":[{"role":"user","content":"Hi"}]}""");
        Conforms(JsonElement.Parse(count), Schema(document, "TokenCount"), document, "count");
        using HttpResponseMessage refused = await gateway.SendAnthropicAsync("/v1/messages", "{}");
        Conforms(JsonElement.Parse(await refused.Content.ReadAsStringAsync()), Schema(document, "AnthropicErrorBody"), document, "error");

        JsonElement events = document.GetProperty("paths").GetProperty("/v1/messages").GetProperty("post").GetProperty("responses").GetProperty("200")
            .GetProperty("content").GetProperty("text/event-stream").GetProperty("schema").GetProperty("oneOf");
        string[] described = [.. events.EnumerateArray().Select(each => each.GetProperty("$ref").GetString()!.Split('/')[^1])];
        string stream = await gateway.SendAnthropicForTextAsync("/v1/messages", TestGateway.Messages(""","stream":true"""));
        foreach (string line in stream.Split('\n').Where(line => line.StartsWith("data: ")))
        {
            JsonElement data = JsonElement.Parse(line["data: ".Length..]);
            string type = data.GetProperty("type").GetString()!;
            string name = type is "ping" or "message_stop" ? "PlainEvent" : string.Concat(type.Split('_').Select(word => char.ToUpperInvariant(word[0]) + word[1..])) + "Event";
            Assert.Contains(name, described);
            Conforms(data, Schema(document, name), document, type);
        }
    }

    [Fact]
    public async Task Streams_keys_and_errors_are_described()
    {
        JsonElement document = await DocumentAsync();
        JsonElement chat = document.GetProperty("paths").GetProperty("/v1/chat/completions").GetProperty("post");
        Assert.Equal(
            "#/components/schemas/ChatCompletionChunk",
            chat.GetProperty("responses").GetProperty("200").GetProperty("content").GetProperty("text/event-stream")
                .GetProperty("schema").GetProperty("$ref").GetString());
        foreach (string status in (string[])["400", "401", "403", "404", "408", "413", "415", "429", "500", "503"])
            Assert.Equal(
                "#/components/schemas/ErrorBody",
                chat.GetProperty("responses").GetProperty(status).GetProperty("content").GetProperty("application/json")
                    .GetProperty("schema").GetProperty("$ref").GetString());
        Assert.Equal(1, chat.GetProperty("security").GetArrayLength());
        Assert.False(document.GetProperty("paths").GetProperty("/health/live").GetProperty("get").TryGetProperty("security", out _));
        Assert.Equal("bearer", document.GetProperty("components").GetProperty("securitySchemes").GetProperty("apiKey").GetProperty("scheme").GetString());
        JsonElement model = document.GetProperty("paths").GetProperty("/v1/models/{model}").GetProperty("get");
        Assert.Equal("model", model.GetProperty("parameters")[0].GetProperty("name").GetString());
    }

    /// <summary>A check of properties and kinds: as much of JSON Schema as the document uses.</summary>
    static void Conforms(JsonElement value, JsonElement schema, JsonElement document, string path)
    {
        if (schema.TryGetProperty("$ref", out JsonElement reference))
        {
            Conforms(value, Schema(document, reference.GetString()!.Split('/')[^1]), document, path);
            return;
        }

        if (schema.TryGetProperty("oneOf", out JsonElement forms))
        {
            if (value.ValueKind != JsonValueKind.Null)
                Conforms(value, FormOf(value, [.. forms.EnumerateArray().Where(form => !IsNull(form))]), document, path);
            else
                Assert.True(forms.EnumerateArray().Any(IsNull), path);
            return;
        }

        if (schema.TryGetProperty("type", out JsonElement type))
        {
            string[] kinds = type.ValueKind == JsonValueKind.String ? [type.GetString()!] : [.. type.EnumerateArray().Select(t => t.GetString()!)];
            Assert.True(kinds.Contains(Kind(value)) || (kinds.Contains("number") && Kind(value) == "integer"), $"{path} is {Kind(value)}");
        }

        if (value.ValueKind == JsonValueKind.Object && schema.TryGetProperty("properties", out JsonElement properties))
        {
            foreach (JsonProperty property in value.EnumerateObject())
            {
                Assert.True(properties.TryGetProperty(property.Name, out JsonElement inner), $"{path}.{property.Name} is not described");
                Conforms(property.Value, inner, document, $"{path}.{property.Name}");
            }

            if (schema.TryGetProperty("required", out JsonElement required))
                foreach (JsonElement name in required.EnumerateArray())
                    Assert.True(value.TryGetProperty(name.GetString()!, out _), $"{path}.{name} is missing");
        }

        if (value.ValueKind == JsonValueKind.Array && schema.TryGetProperty("items", out JsonElement items))
            foreach (JsonElement item in value.EnumerateArray())
                Conforms(item, items, document, $"{path}[]");

        static JsonElement FormOf(JsonElement value, JsonElement[] forms) =>
            forms.Length == 1 ? forms[0] : forms.Single(form => form.GetProperty("type").ValueEquals(Kind(value)));

        static bool IsNull(JsonElement form) => form.TryGetProperty("type", out JsonElement kind) && kind.ValueEquals("null");
    }

    static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "object",
        JsonValueKind.Array => "array",
        JsonValueKind.String => "string",
        JsonValueKind.Number => value.TryGetInt64(out _) ? "integer" : "number",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        _ => "null",
    };

    static IEnumerable<string> References(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(property =>
            property.NameEquals("$ref") && property.Value.ValueKind == JsonValueKind.String
                ? [property.Value.GetString()!]
                : References(property.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(References),
        _ => [],
    };
}
