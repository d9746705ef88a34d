using System.Runtime.InteropServices;
using System.Text.Json;

namespace Formation.Inference.Node.Heads.Wire;

/// <summary>A prompt of any kind as it crosses a connection.</summary>
static class PromptMessage
{
    public static void Write(MessageWriter writer, int field, Prompt prompt)
    {
        var start = writer.Begin(field);
        switch (prompt)
        {
            case TextPrompt text:
                writer.Text(1, text.Text.Value ?? "");
                break;
            case TokenPrompt tokens:
                var inner = writer.Begin(2);
                writer.Numbers(1, tokens.TokenIds);
                writer.End(inner);
                break;
            case ChatPrompt chat:
                Write(writer, 3, chat);
                break;
            case InfillPrompt infill:
                var parts = writer.Begin(4);
                Write(writer, 1, infill.Prefix);
                writer.Text(2, infill.Suffix.Value ?? "");
                writer.End(parts);
                break;
            default:
                throw new ArgumentException($"A prompt of kind {prompt.GetType().Name} is not known.", nameof(prompt));
        }

        writer.End(start);
    }

    public static Prompt Read(MessageReader reader)
    {
        Prompt? prompt = null;
        while (reader.Next(out var field))
            prompt = field switch
            {
                1 => new TextPrompt(reader.Text("a prompt")),
                2 => ReadTokens(reader.Message()),
                3 => ReadChat(reader.Message()),
                4 => ReadInfill(reader.Message()),
                _ => prompt,
            };
        return prompt ?? throw new GenerationProtocolException("a prompt is of no known kind");
    }

    static void Write(MessageWriter writer, int field, ChatPrompt chat)
    {
        var start = writer.Begin(field);
        foreach (var message in chat.Messages)
        {
            var inner = writer.Begin(1);
            writer.Text(1, message.Role);
            writer.Text(2, message.Content?.Value);
            writer.Text(3, message.Name);
            WriteJson(writer, 4, message.ToolCalls);
            writer.Text(5, message.ToolCallId);
            writer.Text(6, message.ReasoningContent?.Value);
            writer.End(inner);
        }

        WriteJson(writer, 2, chat.Tools);
        writer.Flag(3, chat.AddGenerationPrompt);
        if (chat.TemplateVariables is { } variables)
            foreach (var (name, value) in variables)
            {
                var inner = writer.Begin(4);
                writer.Text(1, name);
                WriteJson(writer, 2, value);
                writer.End(inner);
            }

        writer.Text(5, chat.AssistantPrefix?.Value);
        writer.End(start);
    }

    static void WriteJson(MessageWriter writer, int field, JsonElement? value)
    {
        if (value is { ValueKind: not JsonValueKind.Undefined } json)
            writer.Bytes(field, JsonMarshal.GetRawUtf8Value(json));
    }

    static TokenPrompt ReadTokens(MessageReader reader)
    {
        var tokens = new List<int>();
        while (reader.Next(out var field))
            if (field == 1)
                reader.Numbers("a prompt's tokens", 0, int.MaxValue, int.MaxValue, tokens);
        return new TokenPrompt(tokens);
    }

    static InfillPrompt ReadInfill(MessageReader reader)
    {
        Prompt? prefix = null;
        SensitiveText? suffix = null;
        while (reader.Next(out var field))
            switch (field)
            {
                case 1: prefix = ReadPrefix(reader.Message()); break;
                case 2: suffix = reader.Text("a suffix"); break;
            }

        return prefix is not null && suffix is { } text
            ? new InfillPrompt(prefix, text)
            : throw new GenerationProtocolException("a prompt with a gap lacks what stands before or behind it");
    }

    // Not a prompt of any kind: a gap in a gap would let a message nest without end.
    static Prompt? ReadPrefix(MessageReader reader)
    {
        Prompt? prefix = null;
        while (reader.Next(out var field))
            prefix = field switch
            {
                1 => new TextPrompt(reader.Text("a prompt")),
                2 => ReadTokens(reader.Message()),
                _ => prefix,
            };
        return prefix;
    }

    static ChatPrompt ReadChat(MessageReader reader)
    {
        var messages = new List<ChatMessage>();
        JsonElement? tools = null;
        var opensTurn = false;
        SensitiveText? prefix = null;
        Dictionary<string, JsonElement>? variables = null;
        while (reader.Next(out var field))
            switch (field)
            {
                case 1:
                    if (messages.Count == GenerationProtocol.MaxMessages)
                        throw new GenerationProtocolException($"a prompt has more than {GenerationProtocol.MaxMessages} messages");
                    messages.Add(ReadMessage(reader.Message()));
                    break;
                case 2: tools = reader.Json("the tools"); break;
                case 3: opensTurn = reader.Flag(); break;
                case 4:
                    variables ??= new Dictionary<string, JsonElement>(StringComparer.Ordinal);
                    if (variables.Count == GenerationProtocol.MaxTemplateVariables)
                        throw new GenerationProtocolException($"a prompt has more than {GenerationProtocol.MaxTemplateVariables} template variables");
                    ReadVariable(reader.Message(), variables);
                    break;
                case 5: prefix = reader.Text("the beginning of the assistant's turn"); break;
            }

        if (messages.Count == 0)
            throw new GenerationProtocolException("a conversation has no messages");
        if (prefix is not null && !opensTurn)
            throw new GenerationProtocolException("a conversation goes on with an assistant's turn that it does not open");
        return new ChatPrompt(messages)
        {
            Tools = tools,
            AddGenerationPrompt = opensTurn,
            AssistantPrefix = prefix,
            TemplateVariables = variables,
        };
    }

    static ChatMessage ReadMessage(MessageReader reader)
    {
        var message = new ChatMessage("", null);
        while (reader.Next(out var field))
            switch (field)
            {
                case 1: message = message with { Role = reader.Text("a role", GenerationProtocol.MaxNameBytes) }; break;
                case 2: message = message with { Content = reader.Text("a message") }; break;
                case 3: message = message with { Name = reader.Text("a name", GenerationProtocol.MaxNameBytes) }; break;
                case 4: message = message with { ToolCalls = reader.Json("tool calls") }; break;
                case 5: message = message with { ToolCallId = reader.Text("a tool call's id", GenerationProtocol.MaxNameBytes) }; break;
                case 6: message = message with { ReasoningContent = reader.Text("a train of thought") }; break;
            }

        return message;
    }

    static void ReadVariable(MessageReader reader, Dictionary<string, JsonElement> variables)
    {
        string? name = null;
        JsonElement? value = null;
        while (reader.Next(out var field))
            switch (field)
            {
                case 1: name = reader.Text("a template variable's name", GenerationProtocol.MaxNameBytes); break;
                case 2: value = reader.Json("a template variable"); break;
            }

        if (name is null || value is null)
            throw new GenerationProtocolException("a template variable has no name or no value");
        variables[name] = value.Value;
    }
}
