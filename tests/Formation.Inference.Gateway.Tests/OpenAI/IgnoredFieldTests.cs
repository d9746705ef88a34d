using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.OpenAI;

/// <summary>Fields that neither OpenAI's API nor this server has: clients of compatible servers send them.</summary>
public sealed class IgnoredFieldTests
{
    const string Chat = "/v1/chat/completions";

    static async Task<string?> ToldAsync(string path, string body)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.PostAsync(path, body);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        return response.Headers.TryGetValues(IgnoredFields.Header, out IEnumerable<string>? told) ? Assert.Single(told) : null;
    }

    [Theory]
    [InlineData(""","max_token":5""", "max_token")]
    [InlineData(""","foo":null,"Temperature":9,"prompt":"x","stream":true""", "foo, Temperature, prompt")]
    [InlineData(""","temperature":0""", null)]
    [InlineData(""","na\u00efve\r\n":1""", "na?ve??")]
    public async Task The_answer_names_them(string more, string? told) => Assert.Equal(told, await ToldAsync(Chat, TestGateway.Chat(more)));

    [Fact]
    public async Task Those_of_messages_and_parts_are_named_by_their_places() => Assert.Equal(
        "messages[0].mood, messages[1].content[0].cache_control",
        await ToldAsync(Chat, """
            {"model":"tiny","messages":[{"role":"user","content":"x","mood":"good"},
             {"role":"user","content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}]}]}
            """));

    [Fact]
    public async Task Completions_name_them_too() =>
        Assert.Equal("messages, max_completion_tokens", await ToldAsync("/v1/completions", TestGateway.Complete(""","messages":[],"max_completion_tokens":5""")));

    [Fact]
    public async Task Many_and_long_ones_make_no_long_header()
    {
        string many = string.Concat(Enumerable.Range(0, 100).Select(i => $",\"{i}{new string('x', 5000)}\":1"));
        string told = (await ToldAsync(Chat, TestGateway.Chat(many)))!;
        Assert.EndsWith(", ...", told);
        Assert.InRange(told.Length, 16 * 60, 16 * 80);
    }

    [Fact]
    public async Task A_prediction_changes_nothing()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        await gateway.PostForJsonAsync(Chat, TestGateway.Chat(""","prediction":{"type":"content","content":[{"type":"text","text":"Hello"}]}"""));
        await gateway.PostForJsonAsync(Chat, TestGateway.Chat(""));
        GenerationRequest[] asked = [.. gateway.Backend.Requests];
        Assert.Equal(asked[1].Sampling, asked[0].Sampling);
        Assert.Equal(((ChatPrompt)asked[1].Prompt).Messages, ((ChatPrompt)asked[0].Prompt).Messages);
    }
}
