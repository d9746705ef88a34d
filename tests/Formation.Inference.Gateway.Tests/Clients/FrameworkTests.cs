using Formation.Inference.EndToEnd;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Clients;

/// <summary>Frameworks that applications are built with, against the gateway.</summary>
public class FrameworkTests
{
    [Theory]
    [InlineData("ai-js", 26)]
    [InlineData("langchain-js", 16)]
    public async Task A_framework_works(string suite, int passed)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(realClock: true);
        gateway.Backend.Script = ObedientModel.Script;
        (int code, string output) = await JavaScriptSuite.RunAsync(
            suite, gateway.Url.ToString(), TestGateway.OperatorKey, "tiny", failingModel: "acme/big-1");
        Assert.True(code == 0, output);
        Assert.Contains($"pass {passed}", output);
    }
}
