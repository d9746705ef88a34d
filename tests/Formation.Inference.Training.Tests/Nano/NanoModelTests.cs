using System.Text.Json;
using Formation.Inference.Testing.Fakes;
using Formation.Inference.Training.Nano;

namespace Formation.Inference.Training.Tests.Nano;

/// <summary>What the card in models/formation-nano promises, on samples, through the engine that serves the model.</summary>
public sealed class NanoModelTests(NanoModel model) : IClassFixture<NanoModel>
{
    private static readonly NanoData Data = NanoData.Read(Path.Combine(NanoModel.Folder, "data"));

    [Fact]
    public async Task It_gives_at_least_four_of_five_sampled_definitions_word_for_word_and_ends_its_turns()
    {
        var random = new SeededRandom(20);
        var answers = new List<(Exchange Asked, CollectedGeneration Answer)>();
        for (var i = 0; i < 60; i++)
        {
            var exchange = DefinitionQuestions.Ask(random, random.Pick(Data.Definitions), following: false);
            answers.Add((exchange, await model.AskAsync(exchange.Question)));
        }

        var wrong = answers.Where(pair => pair.Answer.Text() != pair.Asked.Answer).Select(pair => pair.Asked.Question + " " + pair.Answer.Text()).ToList();
        Assert.True(wrong.Count <= 12, string.Join('\n', wrong));
        Assert.All(answers, pair => Assert.Equal(FinishReason.Stop, pair.Answer.Finished().Reason));
    }

    [Fact]
    public async Task It_says_of_made_up_words_that_it_does_not_know_them()
    {
        var words = new PseudoWords(Data);
        var random = new SeededRandom(21);
        var known = 0;
        for (var i = 0; i < 40; i++)
        {
            var exchange = DefinitionQuestions.AskUnknown(random, words.Make(random), following: false);
            if ((await model.AskAsync(exchange.Question)).Text() != DefinitionQuestions.Unknown)
                known++;
        }

        Assert.True(known <= 12, $"{known} of 40 were given a meaning");
    }

    [Theory]
    [InlineData("How do I start the server?", "Run ./form inference serve in the repository.")]
    [InlineData("How do I list the models?", "Run form models list.")]
    [InlineData("What does a 70B model cost?", "A model from 32B to 110B costs $0.2 per million tokens.")]
    [InlineData("Hello!", "Hello! How can I help you?")]
    [InlineData("What is the capital of France?", "The capital of France is Paris.")]
    public async Task It_answers_questions_about_the_engine_and_small_talk(string question, string answer) =>
        Assert.Equal(answer, (await model.AskAsync(question)).Text());

    [Fact]
    public async Task It_continues_a_text()
    {
        var bank = Data.Definitions.Single(d => d.Word == "bank");

        Assert.Equal($" {bank.Gloss}.", (await model.AskAsync(new TextPrompt("A bank is"))).Text());
    }

    [Fact]
    public async Task It_answers_with_a_JSON_object_where_one_is_asked_for()
    {
        var random = new SeededRandom(22);
        var right = 0;
        for (var i = 0; i < 20; i++)
        {
            var definition = random.Pick(Data.Definitions);
            var answer = (await model.AskAsync(DefinitionQuestions.AskForJson(random, definition).Question)).Text();
            using var json = JsonDocument.Parse(answer);
            Assert.Equal(["word", "definition"], json.RootElement.EnumerateObject().Select(property => property.Name));
            if (answer == DefinitionQuestions.Json(definition))
                right++;
        }

        Assert.True(right >= 11, $"{right} of 20 are right");
    }

    [Fact]
    public async Task It_follows_a_conversation()
    {
        var house = Data.Definitions.Single(d => d.Word == "house");
        var answer = await model.AskAsync(
            new ChatPrompt(
            [
                new ChatMessage("system", "You are a helpful assistant."),
                new ChatMessage("user", "What is a bank?"),
                new ChatMessage("assistant", "A bank is sloping land (especially the slope beside a body of water)."),
                new ChatMessage("user", "And what is a house?"),
            ]));

        Assert.Equal($"A house is {house.Gloss}.", answer.Text());
    }

    [Fact]
    public async Task It_calls_a_tool_in_the_documented_format()
    {
        using var tools = JsonDocument.Parse(
            """
            [{"type": "function", "function": {"name": "get_weather", "description": "Get the weather of a city",
              "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]
            """);
        var prompt = new ChatPrompt([new ChatMessage("user", "What is the weather in Paris?")]) { Tools = tools.RootElement };

        Assert.Equal(ChatFormat.ToolCall("get_weather", """{"city": "Paris"}"""), (await model.AskAsync(prompt)).Text());
    }
}
