using System.Text.Json;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Templates;
using Formation.Inference.Engine.Tokenization;
using Formation.Inference.Testing.Files;
using Formation.Inference.Training.Export;
using Formation.Inference.Training.Layers;
using Formation.Inference.Training.Nano;
using Formation.Inference.Training.Vocabulary;

namespace Formation.Inference.Training.Tests.Nano;

/// <summary>
/// Training writes its documents itself; the engine makes the same tokens from messages, template and vocabulary of the file.
/// </summary>
public sealed class ChatFormatTests : IDisposable
{
    private static readonly BytePairVocabulary Words = BytePairTrainer.Train(
        ["user\nWhat is the weather in Paris?", "assistant\nIn Paris it is 21 degrees and sunny.", "system\nYou are a helpful assistant."], 330);

    private readonly TemporaryDirectory _folder = new();
    private readonly Tokenizer _tokenizer;

    public ChatFormatTests()
    {
        using var device = new TrainingDevice(1);
        using var model = new LanguageModel(device, new ModelShape(Words.Count, 32, 1, 1, 1, 32, 64), 8);
        GgufExport.Write(_folder.File("tiny.gguf"), model, Words, NanoRecipe.Card);
        using var file = GgufFile.Open(_folder.File("tiny.gguf"));
        _tokenizer = Tokenizer.FromGguf(file.Metadata);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_conversation_has_the_same_tokens_in_training_and_in_the_engine()
    {
        var document = new ChatDocument(Words)
            .System("You are a helpful assistant.").User("What is 21 + 7?\n\nThanks").Assistant("21 + 7 = 28.").User("  <|im_end|> ").OpenAssistant();

        var tokens = Engine(
            null, new("system", "You are a helpful assistant."), new("user", "What is 21 + 7?\n\nThanks"), new("assistant", "21 + 7 = 28."),
            new("user", "  <|im_end|> "));

        Assert.Equal(document.Prompt(), tokens);
    }

    [Fact]
    public void A_conversation_with_tools_has_the_same_tokens_in_training_and_in_the_engine()
    {
        const string Weather =
            """{"name": "get_weather", "description": "Get the weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}""";
        using var tools = JsonDocument.Parse($$"""[{"type": "function", "function": {{Weather}}}]""");
        using var calls = JsonDocument.Parse(
            """[{"id": "call-1", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\": \"Paris\"}"}}]""");
        var document = new ChatDocument(Words)
            .System(ChatFormat.SystemWithTools("You are a helpful assistant.", [Weather])).User("What is the weather in Paris?")
            .Assistant(ChatFormat.ToolCall("get_weather", """{"city": "Paris"}""")).Tool("""{"temperature": 21}""").OpenAssistant();

        var tokens = Engine(
            tools.RootElement, new("system", "You are a helpful assistant."), new("user", "What is the weather in Paris?"),
            new ChatMessage("assistant", null) { ToolCalls = calls.RootElement }, new("tool", """{"temperature": 21}"""));

        Assert.Equal(document.Prompt(), tokens);
    }

    [Fact]
    public void Tools_without_a_system_message_have_the_same_tokens_in_training_and_in_the_engine()
    {
        using var tools = JsonDocument.Parse("""[{"name": "ping", "description": "Ping"}]""");
        var document = new ChatDocument(Words)
            .System(ChatFormat.SystemWithTools(null, ["""{"name": "ping", "description": "Ping"}"""])).User("ping").OpenAssistant();

        Assert.Equal(document.Prompt(), Engine(tools.RootElement, new ChatMessage("user", "ping")));
    }

    [Theory]
    [InlineData("The cat, 42 cats!\n\n  and  more\t")]
    [InlineData("größer 漢字 👩‍👩‍👧 I'll don't ... {\"a\": 1}")]
    public void The_file_s_vocabulary_gives_the_trainer_s_tokens(string text) =>
        Assert.Equal(Words.Encode(text), _tokenizer.Encode(PromptText.Plain(text), addSpecial: true));

    private int[] Engine(JsonElement? tools, params ChatMessage[] messages)
    {
        var prompt = ChatTemplate.Compile(ChatFormat.Template).Render(
            new ChatTemplateInput { Messages = messages, Tools = tools, TimeProvider = TimeProvider.System }, TestContext.Current.CancellationToken);
        return _tokenizer.Encode(prompt, addSpecial: true);
    }
}
