namespace Formation.Inference.EndToEnd.Tests;

/// <summary>The official Hugging Face client for JavaScript against a real server.</summary>
public sealed class HuggingFaceJavaScriptClientTests(TinyModelServer fixture) : IClassFixture<TinyModelServer>
{
    [Fact]
    public async Task The_official_JavaScript_client_works()
    {
        (int code, string output) = await JavaScriptSuite.RunAsync("huggingface-js", fixture.Server.Url, TinyModelServer.Key, "tiny", failingModel: null);
        Assert.True(code == 0, output);
        Assert.Contains("pass 16", output);
    }
}
