namespace Formation.Inference.Training.Nano;

/// <summary>An answer and the questions that it answers.</summary>
public sealed record Fact(string Answer, IReadOnlyList<string> Questions);

/// <summary>What the nano model is taught, from the files in models/formation-nano/data.</summary>
/// <param name="Definitions">Words with their definitions (definitions.tsv: word, tab, gloss).</param>
/// <param name="OtherWords">Words that it is not taught (other-words.txt: one a line).</param>
/// <param name="EngineFacts">About this engine (engine-facts.tsv: answer, tab, questions separated by |).</param>
/// <param name="GeneralFacts">Small general knowledge, in the same form.</param>
/// <param name="SmallTalk">Greetings and the like, in the same form.</param>
public sealed record NanoData(
    IReadOnlyList<Definition> Definitions, IReadOnlyList<string> OtherWords, IReadOnlyList<Fact> EngineFacts,
    IReadOnlyList<Fact> GeneralFacts, IReadOnlyList<Fact> SmallTalk)
{
    /// <summary>Reads the five files.</summary>
    /// <exception cref="IOException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">A line has not the form above.</exception>
    public static NanoData Read(string folder) => new(
        [.. Pairs(Path.Combine(folder, "definitions.tsv")).Select(pair => new Definition(pair.Left, pair.Right))],
        [.. File.ReadLines(Path.Combine(folder, "other-words.txt"))],
        Facts(Path.Combine(folder, "engine-facts.tsv")),
        Facts(Path.Combine(folder, "general-facts.tsv")),
        Facts(Path.Combine(folder, "small-talk.tsv")));

    private static List<Fact> Facts(string path) =>
        [.. Pairs(path).Select(pair => new Fact(pair.Left, pair.Right.Split('|')))];

    private static IEnumerable<(string Left, string Right)> Pairs(string path)
    {
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            var fields = line.Split('\t');
            if (fields.Length != 2 || fields.Any(string.IsNullOrWhiteSpace))
                throw new InvalidDataException(
                    $"{path}, line {number}: two fields with a tab between them are needed, not {fields.Length}");
            yield return (fields[0], fields[1]);
        }
    }
}
