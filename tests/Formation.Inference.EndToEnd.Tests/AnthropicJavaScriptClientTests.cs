namespace Formation.Inference.EndToEnd.Tests;

/// <summary>The official Anthropic client for JavaScript, in both versions of the API, against a real server.</summary>
public sealed class AnthropicJavaScriptClientTests(TinyModelServer fixture) : IClassFixture<TinyModelServer>
{
    [Fact]
    public async Task The_official_JavaScript_client_works()
    {
        (int code, string output) = await JavaScriptSuite.RunAsync("anthropic-js", fixture.Server.Url, TinyModelServer.Key, TinyModelServer.Roomy, failingModel: null);
        Assert.True(code == 0, output);
        Assert.Contains("pass 34", output);
    }
}
