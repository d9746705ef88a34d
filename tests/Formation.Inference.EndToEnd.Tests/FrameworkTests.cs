namespace Formation.Inference.EndToEnd.Tests;

/// <summary>Frameworks that applications are built with, against a real server.</summary>
public sealed class FrameworkTests(TinyModelServer fixture) : IClassFixture<TinyModelServer>
{
    [Theory]
    [InlineData("ai-js", 21)]
    [InlineData("langchain-js", 14)]
    public async Task A_framework_works(string suite, int passed)
    {
        (int code, string output) = await JavaScriptSuite.RunAsync(suite, fixture.Server.Url, TinyModelServer.Key, TinyModelServer.Roomy, failingModel: null);
        Assert.True(code == 0, output);
        Assert.Contains($"pass {passed}", output);
    }
}
