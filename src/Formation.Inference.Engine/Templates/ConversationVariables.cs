using System.Text.Json;
using Formation.Inference.Engine.Templates.Builtins;

namespace Formation.Inference.Engine.Templates;

/// <summary>
/// Makes a template's variables from a conversation, in the shape in which Hugging Face's <c>apply_chat_template</c> gives them.
/// </summary>
internal sealed class ConversationVariables(RenderContext context)
{
    /// <summary>
    /// Roles whose names a template may join to a special token (<c>'&lt;|' + message.role + '|&gt;'</c>): they count as the template's own
    /// text.
    /// </summary>
    static readonly HashSet<string> KnownRoles = new(StringComparer.Ordinal) { "system", "developer", "user", "assistant", "tool" };

    static readonly StringValue FunctionKey = StringValue.Data("function");

    static readonly StringValue ArgumentsKey = StringValue.Data("arguments");

    readonly DataReader _reader = new(context);

    public Scope Build(ChatTemplateInput input)
    {
        var globals = new Scope(null);
        foreach (var (name, function) in Globals.All)
            globals.Set(name, function);
        globals.Set("messages", Messages(input.Messages));
        globals.Set("tools", IsFilledArray(input.Tools) ? _reader.Read(input.Tools!.Value) : NoneValue.Instance);
        globals.Set("documents", NoneValue.Instance);
        globals.Set("add_generation_prompt", BooleanValue.Of(input.AddGenerationPrompt));
        globals.Set("bos_token", StringValue.Template(input.BosToken ?? ""));
        globals.Set("eos_token", StringValue.Template(input.EosToken ?? ""));
        AddRequestVariables(globals, input.Variables);
        return new Scope(globals);
    }

    void AddRequestVariables(Scope globals, IReadOnlyDictionary<string, JsonElement>? variables)
    {
        foreach (var (name, value) in variables ?? new Dictionary<string, JsonElement>())
        {
            if (name is "messages" or "tools" or "add_generation_prompt" or "bos_token" or "eos_token" || Globals.All.ContainsKey(name))
                throw new TemplateException(
                    TemplateErrorKind.InvalidInput, $"'{name}' can't be set as a variable of the template.", context.Position);
            globals.Set(name, _reader.Read(value));
        }
    }

    ListValue Messages(IReadOnlyList<ChatMessage> messages)
    {
        context.CheckCollection(messages.Count);
        var list = new List<TemplateValue>(messages.Count);
        foreach (var message in messages)
            list.Add(Message(message));
        return new ListValue(list);
    }

    DictValue Message(ChatMessage message)
    {
        context.Charge(1);
        var dict = new DictValue();
        Set(dict, "role", KnownRoles.Contains(message.Role) ? StringValue.Template(message.Role) : StringValue.Data(message.Role));
        Set(dict, "content", message.Content is { Value: { } content } ? StringValue.Data(content) : NoneValue.Instance);
        if (message.ReasoningContent is { Value: { } thought })
            Set(dict, "reasoning_content", StringValue.Data(thought));
        if (message.Name is not null)
            Set(dict, "name", StringValue.Data(message.Name));
        if (IsFilledArray(message.ToolCalls))
            Set(dict, "tool_calls", ToolCalls(message.ToolCalls!.Value));
        if (message.ToolCallId is not null)
            Set(dict, "tool_call_id", StringValue.Data(message.ToolCallId));
        return dict;
    }

    ListValue ToolCalls(JsonElement calls)
    {
        var list = (ListValue)_reader.Read(calls);
        foreach (var call in list.Items)
        {
            if (call is DictValue dict && dict.Items.GetValueOrDefault(FunctionKey) is DictValue function)
                ParseArguments(function);
        }
        return list;
    }

    /// <summary>
    /// Arguments sent as JSON text, as OpenAI's API has them, become a mapping that is still that text where text is asked for.
    /// </summary>
    void ParseArguments(DictValue function)
    {
        if (function.Items.GetValueOrDefault(ArgumentsKey) is StringValue json && _reader.TryReadObject(json.Text) is { } arguments)
            function.Items[ArgumentsKey] = arguments;
    }

    static bool IsFilledArray(JsonElement? element) => element is { ValueKind: JsonValueKind.Array } array && array.GetArrayLength() > 0;

    static void Set(DictValue dict, string name, TemplateValue value) => dict.Items[StringValue.Template(name)] = value;
}
