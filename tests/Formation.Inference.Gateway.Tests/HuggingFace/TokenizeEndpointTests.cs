using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.HuggingFace;

public class TokenizeEndpointTests
{
    [Fact]
    public async Task Tokenize_shows_each_token_and_the_bytes_that_it_stands_for()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.ShownWords();
        Assert.Equal(
            """[{"id":1,"text":"","start":0,"stop":0},{"id":10,"text":"né","start":0,"stop":3},{"id":11,"text":" a","start":3,"stop":5}]""",
            await gateway.PostForTextAsync("/tokenize", """{"inputs":"né a"}"""));
        GenerationRequest request = Assert.Single(gateway.Backend.Requests);
        Assert.Equal((0, true), (request.Choices, request.EchoPrompt));
    }

    [Fact]
    public async Task Chat_tokenize_shows_what_the_template_makes_of_a_conversation()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.ShownWords();
        Assert.Equal(
            """{"tokenize_response":[{"id":1,"text":"<s>","start":0,"stop":3},{"id":10,"text":"[user]","start":3,"stop":9},"""
            + """{"id":11,"text":" Hi","start":9,"stop":12}],"templated_text":"<s>[user] Hi"}""",
            await gateway.PostForTextAsync("/models/tiny/chat_tokenize", """{"messages":[{"role":"user","content":"Hi"}]}"""));
        Assert.Equal("tiny", Assert.Single(gateway.Backend.Requests).ModelId);
    }

    [Theory]
    [InlineData("/tokenize", "{}")]
    [InlineData("/tokenize", """{"inputs":3}""")]
    [InlineData("/tokenize", """{"inputs":""}""")]
    [InlineData("/chat_tokenize", "{}")]
    [InlineData("/chat_tokenize", """{"messages":[]}""")]
    public async Task What_has_no_tokens_is_refused(string path, string body)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.PostAsync(path, body);
        await ErrorAssert.IsHuggingFaceErrorAsync(response, 422, "validation");
    }
}
