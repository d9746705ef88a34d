using System.Globalization;

namespace Formation.Inference.Training.Nano;

/// <summary>Conversations with tools: the tools offered, a request, the call, the tool's result and the answer made from it.</summary>
public static class ToolTalk
{
    private static readonly string[] Cities =
    [
        "Paris", "Berlin", "London", "Rome", "Madrid", "Vienna", "Oslo",
        "Tokyo", "Cairo", "Lisbon", "Athens", "Dublin", "Prague", "Warsaw", "Boston",
        "Chicago", "Hamburg", "Munich", "Milan", "Lyon", "Zurich", "Geneva",
        "Sydney", "Delhi", "Moscow", "Toronto", "Dallas", "Denver", "Miami", "Seoul",
    ];

    private static readonly string[] People =
    [
        "Anna", "Ben", "Clara", "David", "Emma", "Frank", "Grace", "Henry", "Ida",
        "John", "Karl", "Laura", "Maria", "Nina", "Oscar", "Paul", "Rosa", "Tom",
    ];

    private static readonly string[] Rooms = ["kitchen", "bedroom", "bathroom", "office", "hall", "garage", "garden", "cellar"];
    private static readonly string[] Skies = ["sunny", "cloudy", "rainy", "windy", "foggy", "clear"];
    private static readonly string[] Products =
    [
        "lamp", "book", "table", "chair", "phone", "car", "clock", "bottle", "bag", "shirt", "hat", "ring", "door",
    ];

    private static readonly Tool[] Tools =
    [
        new(
            Schema("get_weather", "Get the weather of a city", "city"), "get_weather",
            [
                "What is the weather in {0}?", "How is the weather in {0}?", "Weather in {0}?", "Is it warm in {0}?",
                "Tell me the weather in {0}.",
            ],
            random => [random.Pick(Cities), Number(random, -9, 39), random.Pick(Skies)],
            "{{\"city\": \"{0}\"}}", "{{\"temperature\": {1}, \"sky\": \"{2}\"}}", "In {0} it is {1} degrees and {2}."),
        new(
            Schema("get_time", "Get the time in a city", "city"), "get_time",
            ["What time is it in {0}?", "Tell me the time in {0}.", "How late is it in {0}?", "Time in {0}?"],
            random => [random.Pick(Cities), $"{random.Between(10, 23)}:{random.Between(10, 59)}"],
            "{{\"city\": \"{0}\"}}", "{{\"time\": \"{1}\"}}", "It is {1} in {0}."),
        new(
            Schema("calculate", "Calculate an expression", "expression"), "calculate",
            ["What is {0}?", "Calculate {0}.", "How much is {0}?", "Compute {0}."],
            random => [$"{random.Between(100, 999)} {random.Pick(["+", "-", "*"])} {random.Between(100, 999)}", Number(random, 100, 9999)],
            "{{\"expression\": \"{0}\"}}", "{{\"result\": {1}}}", "The result is {1}."),
        new(
            Schema("get_price", "Get the price of a product", "product"), "get_price",
            ["What does a {0} cost?", "What is the price of a {0}?", "How much is a {0}?", "Price of a {0}?"],
            random => [random.Pick(Products), Number(random, 2, 900)],
            "{{\"product\": \"{0}\"}}", "{{\"price\": {1}}}", "The {0} costs {1} dollars."),
        new(
            Schema("send_message", "Send a message to a person", "to", "text"), "send_message",
            ["Send {0} the message {1}.", "Write to {0}: {1}", "Tell {0} {1}.", "Send a message to {0}: {1}"],
            random =>
            [
                random.Pick(People),
                random.Pick(["hello", "good night", "I am late", "see you soon", "thank you", "come home", "call me"]),
            ],
            "{{\"to\": \"{0}\", \"text\": \"{1}\"}}", "{{\"status\": \"sent\"}}", "I sent the message to {0}."),
        new(
            Schema("set_light", "Turn a light on or off", "room", "state"), "set_light",
            ["Turn {1} the light in the {0}.", "Please turn {1} the light in the {0}.", "Light {1} in the {0}.", "Switch {1} the {0} light."],
            random => [random.Pick(Rooms), random.Pick(["on", "off"])],
            "{{\"room\": \"{0}\", \"state\": \"{1}\"}}", "{{\"status\": \"done\"}}", "The light in the {0} is {1}."),
        new(
            Schema("set_timer", "Set a timer", "minutes"), "set_timer",
            ["Set a timer for {0} minutes.", "Timer for {0} minutes.", "Wake me in {0} minutes.", "Start a timer of {0} minutes."],
            random => [Number(random, 2, 90)],
            "{{\"minutes\": {0}}}", "{{\"status\": \"started\"}}", "The timer is set to {0} minutes."),
        new(
            Schema("get_population", "Get the population of a city", "city"), "get_population",
            ["How many people live in {0}?", "What is the population of {0}?", "Population of {0}?"],
            random => [random.Pick(Cities), Number(random, 2, 30)],
            "{{\"city\": \"{0}\"}}", "{{\"millions\": {1}}}", "{0} has {1} million people."),
    ];

    /// <summary>Adds a conversation with tools to an empty document.</summary>
    /// <param name="ordinary">Makes an exchange that needs no tool.</param>
    public static void Write(ChatDocument document, SeededRandom random, Func<SeededRandom, Exchange> ordinary)
    {
        var offered = Tools.ToArray();
        random.Shuffle(offered.AsSpan());
        offered = offered[..random.Between(1, 2)];
        var tool = offered[random.Next(offered.Length)];
        document.System(ChatFormat.SystemWithTools(random.Chance(0.25) ? "You are a helpful assistant." : null, offered.Select(t => t.Schema)));
        if (random.Chance(0.25))
        {
            var (question, answer, _) = ordinary(random);
            document.User(question).Assistant(answer);
            if (random.Chance(0.5))
                return;
        }
        var values = tool.Draw(random);
        document.User(Filled(random.Pick(tool.Requests), values));
        document.Assistant(ChatFormat.ToolCall(tool.Name, Filled(tool.Arguments, values)));
        document.Tool(Filled(tool.Result, values));
        document.Assistant(Filled(tool.Answer, values));
    }

    private static string Filled(string form, string[] values) => string.Format(CultureInfo.InvariantCulture, form, values);

    private static string Number(SeededRandom random, int low, int high) =>
        random.Between(low, high).ToString(CultureInfo.InvariantCulture);

    private static string Schema(string name, string description, params string[] parameters)
    {
        var properties = string.Join(", ", parameters.Select(p => $"\"{p}\": {{\"type\": \"{(p == "minutes" ? "integer" : "string")}\"}}"));
        var required = string.Join(", ", parameters.Select(p => $"\"{p}\""));
        return $"{{\"name\": \"{name}\", \"description\": \"{description}\", "
            + $"\"parameters\": {{\"type\": \"object\", \"properties\": {{{properties}}}, \"required\": [{required}]}}}}";
    }

    /// <summary>A tool: its JSON, its name, and formats for requests, arguments, result and answer over one list of values.</summary>
    private sealed record Tool(
        string Schema, string Name, string[] Requests, Func<SeededRandom, string[]> Draw, string Arguments, string Result, string Answer);
}
