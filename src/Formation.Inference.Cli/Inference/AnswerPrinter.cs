using System.Text.Json.Nodes;
using Formation.Inference.Cli.Client;

namespace Formation.Inference.Cli.Inference;

/// <summary>Streams one answer to standard output as it comes.</summary>
static class AnswerPrinter
{
    /// <summary>Sends the request, writes its text (or with <paramref name="json"/> one document at its end), and gives the whole answer.</summary>
    public static async Task<StreamedAnswer> PrintAsync(
        CommandContext context, ServerClient client, string path, JsonObject body, bool json, CancellationToken cancellationToken)
    {
        var answer = new StreamedAnswer();
        var output = context.Output.Out;
        await foreach (var chunk in client.StreamAsync(path, body, cancellationToken))
        {
            var text = answer.Add(chunk);
            if (json || text.Length == 0)
                continue;
            output.Write(text);
            await output.FlushAsync(cancellationToken);
        }
        output.WriteLine(json ? answer.ToJson(body["model"]!.GetValue<string>()) : "");
        if (!json && answer.FinishReason == "length")
            context.Output.Note("(cut at the token limit; --max-tokens sets it)");
        return answer;
    }
}
