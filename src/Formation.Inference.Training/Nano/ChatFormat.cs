using Formation.Inference.Training.Vocabulary;

namespace Formation.Inference.Training.Nano;

/// <summary>
/// The turns of a chat as the nano model reads them, and the template that makes the same text from a request's messages.
/// </summary>
public static class ChatFormat
{
    /// <summary>The chat template that goes into the model's file (Jinja).</summary>
    public const string Template =
        """
        {%- if tools %}
        {{- '<|im_start|>system\n' }}
        {%- if messages[0]['role'] == 'system' %}
        {{- messages[0]['content'] + '\n' }}
        {%- endif %}
        {{- 'To call a tool, answer with <tool_call> and JSON.\n<tools>\n' }}
        {%- for tool in tools %}
        {{- (tool['function'] if tool['function'] is defined else tool) | tojson }}
        {{- '\n' }}
        {%- endfor %}
        {{- '</tools><|im_end|>\n' }}
        {%- endif %}
        {%- for message in messages %}
        {%- if message['role'] == 'system' and tools and loop.first %}
        {%- elif message['role'] == 'tool' %}
        {{- '<|im_start|>tool\n<tool_response>\n' + message['content'] + '\n</tool_response><|im_end|>\n' }}
        {%- elif message['role'] == 'assistant' and message['tool_calls'] %}
        {{- '<|im_start|>assistant' }}
        {%- for call in message['tool_calls'] %}
        {{- '\n<tool_call>\n{"name": "' + call['function']['name'] + '", "arguments": ' }}
        {{- call['function']['arguments'] if call['function']['arguments'] is string else call['function']['arguments'] | tojson }}
        {{- '}\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\n' }}
        {%- else %}
        {{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}
        {%- endif %}
        {%- endfor %}
        {%- if add_generation_prompt %}
        {{- '<|im_start|>assistant\n' }}
        {%- endif %}
        """;

    /// <summary>The system turn's text where tools are offered.</summary>
    /// <param name="system">The request's own system message, or null.</param>
    /// <param name="tools">Each tool's JSON: name, description and parameters.</param>
    public static string SystemWithTools(string? system, IEnumerable<string> tools) =>
        (system is null ? "" : system + "\n") + "To call a tool, answer with <tool_call> and JSON.\n<tools>\n"
        + string.Concat(tools.Select(tool => tool + "\n")) + "</tools>";

    /// <summary>An answer that calls a tool.</summary>
    public static string ToolCall(string name, string argumentsJson) =>
        "<tool_call>\n{\"name\": \"" + name + "\", \"arguments\": " + argumentsJson + "}\n</tool_call>";

    /// <summary>A tool turn's text.</summary>
    public static string ToolResult(string content) => "<tool_response>\n" + content + "\n</tool_response>";
}

/// <summary>Builds a training document turn by turn; only what the assistant says, with the end of its turn, is learnt.</summary>
public sealed class ChatDocument(BytePairVocabulary vocabulary)
{
    private static readonly int TurnStart = BytePairVocabulary.Control(BytePairVocabulary.TurnStart);
    private static readonly int TurnEnd = BytePairVocabulary.Control(BytePairVocabulary.TurnEnd);

    private readonly List<int> _tokens = [];
    private readonly List<bool> _learn = [];

    /// <summary>Tokens so far.</summary>
    public int Length => _tokens.Count;

    public ChatDocument System(string text) => Turn("system", text);

    public ChatDocument User(string text) => Turn("user", text);

    public ChatDocument Tool(string content) => Turn("tool", ChatFormat.ToolResult(content));

    /// <summary>An answer; without <paramref name="learn"/> it is only read.</summary>
    public ChatDocument Assistant(string text, bool learn = true)
    {
        OpenAssistant();
        AddText(text, learn);
        Add(TurnEnd, learn);
        AddText("\n", false);
        return this;
    }

    /// <summary>The beginning of an answer, for a model to go on.</summary>
    public ChatDocument OpenAssistant()
    {
        Add(TurnStart, false);
        AddText("assistant\n", false);
        return this;
    }

    /// <summary>The tokens so far, as a prompt.</summary>
    public int[] Prompt() => [.. _tokens];

    /// <summary>The document so far.</summary>
    public TrainingDocument Build()
    {
        // What follows the last learnt token teaches nothing.
        var end = _learn.LastIndexOf(true) + 1;
        return new TrainingDocument([.. _tokens.Take(end)], [.. _learn.Take(end)]);
    }

    private ChatDocument Turn(string role, string text)
    {
        Add(TurnStart, false);
        AddText(role + "\n" + text, false);
        Add(TurnEnd, false);
        AddText("\n", false);
        return this;
    }

    private void AddText(string text, bool learn)
    {
        var start = _tokens.Count;
        vocabulary.Encode(text, _tokens);
        for (var i = start; i < _tokens.Count; i++)
            _learn.Add(learn);
    }

    private void Add(int token, bool learn)
    {
        _tokens.Add(token);
        _learn.Add(learn);
    }
}
