using System.Text.Json.Nodes;
using Formation.Inference.Cli.Client;

namespace Formation.Inference.Cli.Inference;

/// <summary>A conversation with a model: remembers the turns and sends all of them with each new one.</summary>
sealed class ChatSession
{
    private readonly CommandContext _context;
    private readonly ServerClient _client;
    private readonly JsonObject _body;
    private readonly string? _system;
    private readonly List<(string Role, string Text)> _turns = [];

    public ChatSession(CommandContext context, ServerClient client, JsonObject body, string? system)
    {
        _context = context;
        _client = client;
        _body = body;
        _system = system;
        Forget();
    }

    /// <summary>Says something and streams the answer. A failed or cancelled turn is not remembered.</summary>
    public async Task<StreamedAnswer> SayAsync(string text, bool json, CancellationToken cancellationToken)
    {
        var body = _body.DeepClone().AsObject();
        var messages = new JsonArray();
        foreach (var (role, content) in _turns.Append(("user", text)))
            messages.Add((JsonNode)new JsonObject { ["role"] = role, ["content"] = content });
        body["messages"] = messages;
        var answer = await AnswerPrinter.PrintAsync(_context, _client, "/v1/chat/completions", body, json, cancellationToken);
        _turns.Add(("user", text));
        _turns.Add(("assistant", answer.Text));
        return answer;
    }

    /// <summary>Begins the conversation anew.</summary>
    public void Forget()
    {
        _turns.Clear();
        if (_system is not null)
            _turns.Add(("system", _system));
    }
}
