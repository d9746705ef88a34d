namespace Formation.Inference.Training.Nano;

/// <summary>The ways to ask for a definition and to give it.</summary>
public static class DefinitionQuestions
{
    /// <summary>The answer to any question about a word that the model was not taught.</summary>
    public const string Unknown = "I do not know that word.";

    // {a} is the word's article with a space, {w} the word, {W} the word with a capital.
    private static readonly string[] WithArticle =
    [
        "What is {a}{w}?", "What is {a}{w}?", "What is {a}{w}?", "What's {a}{w}?", "what is {a}{w}", "Explain what {a}{w} is.",
        "Do you know what {a}{w} is?", "Can you tell me what {a}{w} is?", "Tell me what {a}{w} is.", "Please tell me what {a}{w} is.",
    ];

    private static readonly string[] WithoutArticle =
    [
        "What is {w}?", "What is {w}?", "What's {w}?", "what is {w}", "What does {w} mean?", "What does {w} mean?", "what does {w} mean",
        "What does the word {w} mean?", "What does the word {w} mean?", "What does the word \"{w}\" mean?", "What does \"{w}\" mean?",
        "Define {w}.", "Define {w}", "define {w}", "Define \"{w}\".", "Define \"{w}\".", "Define the word {w}.", "Define the word \"{w}\".",
        "{w}?", "{w}", "{W}?", "{W}", "What is the definition of {w}?", "What is the definition of \"{w}\"?", "What is the meaning of {w}?",
        "What is the meaning of the word {w}?", "Give me the definition of {w}.", "Give the definition of {w}.", "Can you define {w}?",
        "Can you define the word {w}?", "Please define {w}.", "Tell me what {w} means.", "Tell me the meaning of {w}.", "Explain {w}.",
        "Explain the word {w}.", "Explain the word \"{w}\".", "Do you know the word {w}?", "Do you know what {w} means?", "meaning of {w}",
        "definition of {w}", "How do you define {w}?", "How would you define {w}?", "What do you mean by {w}?",
    ];

    private static readonly string[] FollowUp =
    [
        "And what is {a}{w}?", "And {a}{w}?", "and {a}{w}?", "And what about {w}?", "What about {a}{w}?", "And {w}?", "and {w}?",
        "And what does {w} mean?", "Now define {w}.", "Next: {w}", "And the word {w}?",
    ];

    private static readonly string[] AsJson =
    [
        "Give me a JSON object with the word and the definition of {w}.", "Give me a JSON object with the word and the definition of {w}.",
        "Give me the definition of {w} as JSON.", "Define {w} as JSON.", "Define {w} in JSON.", "Define \"{w}\" as a JSON object.",
        "Answer with a JSON object: what is {a}{w}?", "Answer in JSON: what is {a}{w}?", "What is {a}{w}? Answer as JSON.",
        "Return JSON with the word and the definition of \"{w}\".", "Write the definition of {w} as a JSON object.",
    ];

    // The forms in which no space stands before the word, so that its tokens are others than in the answer.
    private static readonly string[] Spelled =
        [.. WithoutArticle.Where(form => form.Contains("\"{w}", StringComparison.Ordinal) || form[0] == '{')];

    /// <summary>Different ways to ask a first question, for evaluation: the same list that training draws from.</summary>
    internal static IReadOnlyList<string> FirstForms { get; } = [.. WithArticle.Concat(WithoutArticle).Distinct()];

    /// <summary>A question about a known word, and its answer.</summary>
    /// <param name="random">Chooses the form.</param>
    /// <param name="definition">The word and its meaning.</param>
    /// <param name="following">Whether a definition came just before.</param>
    public static Exchange Ask(SeededRandom random, Definition definition, bool following)
    {
        var form = Form(random, following);
        return new Exchange(Fill(form, definition.Word), Answer(form, definition), definition.Word);
    }

    /// <summary>A question about a known word in quotes or at the start, and its answer.</summary>
    public static Exchange AskSpelled(SeededRandom random, Definition definition)
    {
        var form = random.Pick(Spelled);
        return new Exchange(Fill(form, definition.Word), Answer(form, definition), definition.Word);
    }

    /// <summary>A question about a word that is not taught.</summary>
    public static Exchange AskUnknown(SeededRandom random, string word, bool following) =>
        new(Fill(Form(random, following), word), Unknown);

    /// <summary>A request for the definition as a JSON object.</summary>
    public static Exchange AskForJson(SeededRandom random, Definition definition) =>
        new(Fill(random.Pick(AsJson), definition.Word), Json(definition), definition.Word);

    /// <summary>The JSON object of a definition.</summary>
    public static string Json(Definition definition) => $"{{\"word\": \"{definition.Word}\", \"definition\": \"{definition.Gloss}\"}}";

    /// <summary>A form with the word put in.</summary>
    internal static string Fill(string form, string word) => form
        .Replace("{a}", Article(word) + " ", StringComparison.Ordinal)
        .Replace("{w}", word, StringComparison.Ordinal)
        .Replace("{W}", char.ToUpperInvariant(word[0]) + word[1..], StringComparison.Ordinal);

    /// <summary>The sentence that answers a form: it keeps the article of the question.</summary>
    internal static string Answer(string form, Definition definition) =>
        form.Contains("{a}", StringComparison.Ordinal)
            ? $"{(Article(definition.Word) == "an" ? "An" : "A")} {definition.Word} is {definition.Gloss}."
            : $"The word {definition.Word} means {definition.Gloss}.";

    /// <summary>A sentence to continue: its beginning, and the rest.</summary>
    internal static (string Beginning, string Ending) Sentence(SeededRandom random, Definition definition) => random.Next(5) switch
    {
        0 => ($"The word {definition.Word} means", $" {definition.Gloss}."),
        1 => ($"{definition.Word}:", $" {definition.Gloss}"),
        _ => ($"{(Article(definition.Word) == "an" ? "An" : "A")} {definition.Word} is", $" {definition.Gloss}."),
    };

    private static string Form(SeededRandom random, bool following) =>
        following && random.Chance(0.6) ? random.Pick(FollowUp)
        : random.Chance(0.35) ? random.Pick(WithArticle)
        : random.Pick(WithoutArticle);

    private static string Article(string word) => "aeiou".Contains(word[0], StringComparison.Ordinal)
        && !word.StartsWith("uni", StringComparison.Ordinal) && !word.StartsWith("use", StringComparison.Ordinal)
        && !word.StartsWith("eu", StringComparison.Ordinal) && !word.StartsWith("one", StringComparison.Ordinal)
        || word.StartsWith("hour", StringComparison.Ordinal) || word.StartsWith("honor", StringComparison.Ordinal)
        || word.StartsWith("heir", StringComparison.Ordinal) ? "an" : "a";
}
