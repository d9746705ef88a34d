using System.Text.Json;

namespace Formation.Inference.Engine.Tests.Models;

/// <summary>What llama.cpp computed for one of <see cref="Testing.Models.GoldenModels"/>; see Golden/logits/README.md.</summary>
/// <param name="ModelSha256">Digest of the model's file, so that a change of the builder is noticed.</param>
/// <param name="Prompt">Token ids.</param>
/// <param name="Continuation">The most probable token after the prompt, and after each of these.</param>
/// <param name="Margins">By how much each of them was ahead of the next best.</param>
internal sealed record GoldenLogits(string ModelSha256, int[] Prompt, int[] Continuation, float[] Margins, GoldenPositions Logits)
{
    public static GoldenLogits Read(string name)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "Golden", "logits", name + ".json");
        return JsonSerializer.Deserialize<GoldenLogits>(File.ReadAllText(path), JsonSerializerOptions.Web)!;
    }
}

/// <summary>Logits after three positions.</summary>
/// <param name="First">After the prompt's first token.</param>
/// <param name="AfterPrompt">After the prompt.</param>
/// <param name="Last">After the last token of the continuation.</param>
internal sealed record GoldenPositions(float[] First, float[] AfterPrompt, float[] Last);
