using Formation.Inference.EndToEnd;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Clients;

public class OpenAIJavaScriptClientTests
{
    [Fact]
    public async Task The_official_JavaScript_client_works()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(realClock: true);
        gateway.Backend.Script = ObedientModel.Script;
        (int code, string output) = await JavaScriptSuite.RunAsync(
            "openai-js", new Uri(gateway.Url, "/v1").ToString(), TestGateway.OperatorKey, "tiny", failingModel: "acme/big-1");
        Assert.True(code == 0, output);
        Assert.Matches(@"# pass [2-9]\d\b", output);
    }
}
