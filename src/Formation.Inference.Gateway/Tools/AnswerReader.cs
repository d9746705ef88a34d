namespace Formation.Inference.Gateway.Tools;

/// <summary>Tells a train of thought, what the model says, and calls of tools from each other, in each choice of an answer.</summary>
/// <param name="mayCallTools">Whether the answer may call tools; where not, all behind the thought is text.</param>
/// <param name="tellsThoughts">Whether thoughts are told; where not, they are left out.</param>
internal class AnswerReader(bool mayCallTools, bool tellsThoughts = true)
{
    readonly Dictionary<int, Choice> _choices = [];
    readonly List<AnswerPiece> _pieces = [];
    ToolCallSyntax _calls = ToolCallSyntax.Default;
    ReasoningSyntax? _thoughts;

    /// <summary>What reads one choice; null what its answer can't have.</summary>
    sealed record Choice(ThoughtReader? Thought, ToolCallReader? Calls);

    internal void Begin(GenerationStarted started) => (_calls, _thoughts) = (started.ToolCalls ?? _calls, started.Reasoning);

    /// <summary>What a choice's new text is; valid until the next call.</summary>
    internal IReadOnlyList<AnswerPiece> Read(GenerationDelta delta)
    {
        _pieces.Clear();
        Choice choice = Of(delta.Choice);
        (string thought, string answer) = choice.Thought?.Read(delta.Text.Value) ?? ("", delta.Text.Value);
        Add(choice, thought, answer);
        return _pieces;
    }

    /// <summary>What a choice's text still holds when it has ended; valid until the next call.</summary>
    internal IReadOnlyList<AnswerPiece> End(int index)
    {
        _pieces.Clear();
        Choice choice = Of(index);
        (string thought, string answer) = choice.Thought?.End() ?? ("", "");
        Add(choice, thought, answer);
        _pieces.AddRange(choice.Calls?.End() ?? []);
        return _pieces;
    }

    /// <summary>Calls of a choice that have begun.</summary>
    internal int CallsOf(int choice) => Of(choice).Calls?.Calls ?? 0;

    void Add(Choice choice, string thought, string answer)
    {
        if (thought.Length > 0 && tellsThoughts)
            _pieces.Add(new AnswerPiece(AnswerPieceKind.Thought, 0, thought));
        if (choice.Calls is not null)
            _pieces.AddRange(choice.Calls.Read(answer));
        else if (answer.Length > 0)
            _pieces.Add(new AnswerPiece(AnswerPieceKind.Text, 0, answer));
    }

    Choice Of(int index)
    {
        if (!_choices.TryGetValue(index, out Choice? choice))
            _choices[index] = choice = new Choice(
                _thoughts is null ? null : new ThoughtReader(_thoughts), mayCallTools ? new ToolCallReader(_calls) : null);
        return choice;
    }
}
