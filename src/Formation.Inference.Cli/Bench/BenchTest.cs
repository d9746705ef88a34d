using System.Globalization;

namespace Formation.Inference.Cli.Bench;

/// <summary>One thing to measure.</summary>
/// <param name="Kind">What is computed.</param>
/// <param name="Tokens">Tokens of the prompt, or tokens that each sequence generates.</param>
/// <param name="Sequences">Sequences that generate together; 1 for a prompt.</param>
readonly record struct BenchTest(BenchTestKind Kind, int Tokens, int Sequences = 1)
{
    /// <summary>The field's short name: <c>pp512</c>, <c>tg64</c>, <c>tg64x8</c>.</summary>
    public string Name => string.Create(
        CultureInfo.InvariantCulture,
        $"{(Kind == BenchTestKind.Prompt ? "pp" : "tg")}{Tokens}{(Sequences > 1 ? $"x{Sequences}" : "")}");

    public override string ToString() => Name;
}

/// <summary>What a <see cref="BenchTest"/> computes.</summary>
enum BenchTestKind
{
    /// <summary>A prompt from an empty context, and the logits of its last token.</summary>
    Prompt,

    /// <summary>Tokens one after the other from empty contexts, and the logits of each.</summary>
    Generation,
}
