using Formation.Inference.EndToEnd;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Clients;

public class HuggingFaceJavaScriptClientTests
{
    [Fact]
    public async Task The_official_JavaScript_client_works()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { DefaultModel = "tiny" }, realClock: true);
        gateway.Backend.Script = (request, token) => (request.Choices == 0 ? Scripts.ShownWords() : ObedientModel.Script)(request, token);
        (int code, string output) = await JavaScriptSuite.RunAsync(
            "huggingface-js", gateway.Url.ToString().TrimEnd('/'), TestGateway.OperatorKey, "tiny", failingModel: null);
        Assert.True(code == 0, output);
        Assert.Contains("pass 16", output);
    }
}
