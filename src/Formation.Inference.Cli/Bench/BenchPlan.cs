namespace Formation.Inference.Cli.Bench;

/// <summary>What a run measures, and how often.</summary>
/// <param name="Prompts">Lengths of prompts.</param>
/// <param name="Generate">Tokens that each sequence generates; 0 leaves generation out.</param>
/// <param name="Batches">Numbers of sequences that generate together.</param>
/// <param name="Repeat">Measurements of each test.</param>
sealed record BenchPlan(IReadOnlyList<int> Prompts, int Generate, IReadOnlyList<int> Batches, int Repeat)
{
    /// <summary>The tests in the order in which they run.</summary>
    public IReadOnlyList<BenchTest> Tests =>
    [
        .. Prompts.Select(tokens => new BenchTest(BenchTestKind.Prompt, tokens)),
        .. Batches.Where(_ => Generate > 0).Select(size => new BenchTest(BenchTestKind.Generation, Generate, size)),
    ];
}
