namespace Formation.Inference.Training.Nano;

/// <summary>Turns that depend on earlier ones: names, repetition, what was asked.</summary>
public static class Conversations
{
    private static readonly string[] Names =
    [
        "Anna", "Ben", "Clara", "David", "Emma", "Frank", "Grace", "Henry",
        "Ida", "John", "Karl", "Laura", "Maria", "Nina", "Oscar", "Paul", "Rosa",
        "Tom", "Alice", "Bob", "Carol", "Peter", "Sam", "Mary", "Max",
        "Lisa", "Jack", "Lucy", "Mark", "Sarah", "Simon", "Julia", "Alex", "Kate",
    ];

    private static readonly string[] Systems =
    [
        "You are a helpful assistant.", "You are a helpful assistant.",
        "You are a friendly assistant.", "You are formation-nano.", "Answer briefly.",
        "You are a dictionary.", "Be concise.", "You are a helpful AI assistant.", "Answer the user's questions.",
    ];

    /// <summary>A system message.</summary>
    public static string System(SeededRandom random) => random.Pick(Systems);

    /// <summary>The user gives a name, and may ask for it after other exchanges.</summary>
    public static IEnumerable<Exchange> WithName(SeededRandom random, Func<SeededRandom, Exchange> ordinary)
    {
        var name = random.Pick(Names);
        var given = random.Pick(["My name is {0}.", "I am {0}.", "Hello, I am {0}.", "Hi, my name is {0}.", "Call me {0}."]);
        yield return new Exchange(given.Replace("{0}", name, StringComparison.Ordinal), $"Nice to meet you, {name}.");
        for (var between = random.Next(3); between > 0; between--)
            yield return ordinary(random);
        yield return new Exchange(
            random.Pick(["What is my name?", "Who am I?", "Do you know my name?", "What's my name?"]), $"Your name is {name}.");
    }

    /// <summary>A question that looks back at the exchange before it.</summary>
    public static Exchange LookBack(SeededRandom random, Exchange before) => random.Next(4) switch
    {
        0 => new Exchange(
            random.Pick(["What did I ask?", "What was my question?", "What did I ask you?", "What did I just say?"]),
            $"You asked: {before.Question}"),
        1 or 2 => new Exchange(
            random.Pick(["Repeat that.", "Please repeat that.", "Say that again.", "Again, please.", "Can you repeat that?"]),
            before.Answer, before.Word),
        _ => new Exchange(random.Pick(["Thanks", "Thanks!", "Thank you.", "Thank you!", "thanks"]), "You are welcome."),
    };
}
