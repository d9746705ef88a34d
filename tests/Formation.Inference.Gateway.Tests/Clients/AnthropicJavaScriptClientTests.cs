using Formation.Inference.EndToEnd;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Clients;

public class AnthropicJavaScriptClientTests
{
    [Fact]
    public async Task The_official_JavaScript_client_works_in_both_versions()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(realClock: true);
        gateway.Backend.Script = ObedientModel.Script;
        (int code, string output) = await JavaScriptSuite.RunAsync(
            "anthropic-js", gateway.Url.ToString(), TestGateway.OperatorKey, "tiny", failingModel: "acme/big-1");
        Assert.True(code == 0, output);
        Assert.Contains("pass 40", output);
    }
}
