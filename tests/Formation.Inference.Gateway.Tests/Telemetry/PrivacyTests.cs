using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Telemetry;

public class PrivacyTests
{
    [Fact]
    public async Task What_a_user_wrote_and_a_model_said_is_in_no_log_and_no_metric()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        const string Prompt = "CANARY-PROMPT";
        const string Said = "CANARY-COMPLETION";
        string[] bodies =
        [
            Body("{\"role\":\"user\",\"content\":\"CANARY-PROMPT\"}", ""),
            Body("{\"role\":\"user\",\"content\":\"CANARY-PROMPT\"}", ",\"stream\":true"),
            Body("{\"role\":\"user\",\"content\":\"CANARY-PROMPT\"}", ",\"CANARY-PROMPT\":1"),
            Body("{\"role\":\"user\",\"content\":[\"CANARY-PROMPT\"]}", ""),
            Body("{\"role\":\"CANARY-PROMPT\",\"content\":5}", ""),
            "{\"model\":\"CANARY-PROMPT\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
            "{\"model\":\"tiny\",\"messages\":[CANARY-PROMPT]}",
            "\"CANARY-PROMPT\"",
        ];
        foreach (Func<GenerationRequest, CancellationToken, IAsyncEnumerable<GenerationEvent>> script in
            new[]
            {
                Scripts.Words(Said),
                Scripts.Events(new GenerationStarted(1), new GenerationDelta(0, Said, []), Scripts.Failure(GenerationErrorKind.Internal)),
                Scripts.ThenThrow(new GenerationStarted(1), new GenerationDelta(0, Said, [])),
            })
        {
            gateway.Backend.Script = script;
            foreach (string body in bodies)
            {
                await (await gateway.PostAsync("/v1/chat/completions", body)).Content.ReadAsStringAsync();
                string message = body.Replace("\"tiny\",", "\"tiny\",\"max_tokens\":5,", StringComparison.Ordinal);
                await (await gateway.SendAnthropicAsync("/v1/messages", message)).Content.ReadAsStringAsync();
                await (await gateway.SendAnthropicAsync("/v1/messages/count_tokens", body)).Content.ReadAsStringAsync();

                // Hugging Face's services have the texts elsewhere.
                string inputs = body.Replace("\"messages\"", "\"inputs\"", StringComparison.Ordinal);
                string text = inputs.Replace("[{\"role\":\"user\",\"content\":\"CANARY-PROMPT\"}]", "\"CANARY-PROMPT\"", StringComparison.Ordinal);
                foreach (string path in (string[])["/", "/models/tiny", "/models/tiny/generate", "/generate_stream", "/tokenize", "/embed", "/similarity", "/tei/tokenize", "/decode"])
                {
                    await (await gateway.PostAsync(path, inputs)).Content.ReadAsStringAsync();
                    await (await gateway.PostAsync(path, text)).Content.ReadAsStringAsync();
                }
            }
        }

        (await gateway.Client.GetAsync($"/v1/models/{Prompt}")).Dispose();
        string metrics = await gateway.Anonymous.GetStringAsync("/metrics");
        Assert.DoesNotContain("CANARY", metrics);

        // The framework's own categories log paths when they are turned up to Debug; what a model is called may stand in a path.
        string[] ours = [.. gateway.Logs.Lines.Where(line => line.Contains(" Formation.", StringComparison.Ordinal))];
        Assert.True(ours.Length > 20);
        Assert.DoesNotContain(ours, line => line.Contains("CANARY"));
        Assert.DoesNotContain(gateway.Logs.Lines, line => line.Contains(Said) || line.Contains(TestGateway.OperatorKey));

        static string Body(string message, string more) => "{\"model\":\"tiny\",\"messages\":[" + message + "]" + more + "}";
    }
}
