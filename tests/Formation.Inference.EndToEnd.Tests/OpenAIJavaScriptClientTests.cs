namespace Formation.Inference.EndToEnd.Tests;

/// <summary>The official OpenAI client for JavaScript against a real server.</summary>
public sealed class OpenAIJavaScriptClientTests(TinyModelServer fixture) : IClassFixture<TinyModelServer>
{
    [Fact]
    public async Task The_official_JavaScript_client_works()
    {
        (int code, string output) = await JavaScriptSuite.RunAsync("openai-js", fixture.Server.Url + "/v1", TinyModelServer.Key, TinyModelServer.Roomy, failingModel: null);
        Assert.True(code == 0, output);
        Assert.Matches(@"# pass [2-9]\d\b", output);
    }
}
