using Formation.Inference.Engine.Tokenization;
using Formation.Inference.Engine.Tools;

namespace Formation.Inference.Engine.Grammars;

/// <summary>The grammars that texts of one model are held to. Those used last are kept, since requests with the same format come in rows. Safe from any thread.</summary>
internal sealed class OutputGrammars
{
    /// <summary>Grammars that are kept beside those in use.</summary>
    public const int MostKept = 8;

    private readonly Tokenizer _tokenizer;
    private readonly Func<ToolCallSyntax> _toolCalls;
    private readonly Lazy<TokenTrie> _vocabulary;
    private readonly Lazy<TokenTrie> _vocabularyWithCalls;
    private readonly Lazy<HashSet<int>> _callTokens;
    private readonly Lock _lock = new();
    private readonly Dictionary<Source, LinkedListNode<(Source Source, OutputGrammar Grammar)>> _known = [];
    private readonly LinkedList<(Source Source, OutputGrammar Grammar)> _lastUsedFirst = [];

    /// <param name="tokenizer">The model's.</param>
    /// <param name="toolCalls">How the model calls tools; asked for where a request has some.</param>
    public OutputGrammars(Tokenizer tokenizer, Func<ToolCallSyntax> toolCalls)
    {
        (_tokenizer, _toolCalls) = (tokenizer, toolCalls);
        _callTokens = new Lazy<HashSet<int>>(() => ControlTokensIn(toolCalls()));
        _vocabulary = new Lazy<TokenTrie>(() => VocabularyOf([]));
        _vocabularyWithCalls = new Lazy<TokenTrie>(() => CallTokens.Count == 0 ? _vocabulary.Value : VocabularyOf(_callTokens.Value));
    }

    /// <summary>Control tokens that calls of tools have in them: their names are text where tools may be called.</summary>
    public IReadOnlySet<int> CallTokens => _callTokens.Value;

    /// <summary>What the grammar of a request's output is made of.</summary>
    private sealed record Source(OutputFormat? Format, ToolUse? ToolUse, SensitiveText? Tools);

    /// <summary>The grammar of a request's output, or null where any text will do.</summary>
    /// <exception cref="GrammarException">It can't be held to: it says something that is no grammar, or is too large.</exception>
    /// <exception cref="OperationCanceledException">Nobody waits for it any more.</exception>
    public OutputGrammar? Of(GenerationRequest request, CancellationToken cancellationToken = default)
    {
        if (request is { Format: null, ToolUse: null })
            return null;
        var tools = request is { ToolUse: not null, Prompt: ChatPrompt { Tools: { } definitions } } ? definitions.GetRawText() : null;
        return Get(new Source(request.Format, request.ToolUse, tools is null ? default(SensitiveText?) : new SensitiveText(tools)), cancellationToken);
    }

    private OutputGrammar Get(Source source, CancellationToken cancellationToken)
    {
        lock (_lock)
            if (_known.TryGetValue(source, out var known))
            {
                _lastUsedFirst.Remove(known);
                _lastUsedFirst.AddFirst(known);
                return known.Value.Grammar;
            }

        // Not under the lock: it may take a while, and others have grammars that are known.
        var definition = source.ToolUse is null ? FormatGrammar.Of(source.Format!, cancellationToken) : ToolGrammar.Of(
            ToolDefinition.Read(source.Tools?.Value), _toolCalls(), source.ToolUse, source.Format is null ? null : FormatGrammar.Of(source.Format, cancellationToken), cancellationToken);
        var vocabulary = source.ToolUse is null ? _vocabulary.Value : _vocabularyWithCalls.Value;
        return Keep(source, new OutputGrammar(GrammarCompiler.Compile(definition, cancellationToken), vocabulary, _tokenizer));
    }

    private OutputGrammar Keep(Source source, OutputGrammar grammar)
    {
        lock (_lock)
        {
            // Another caller may have been faster; one grammar for all shares what is found out.
            if (_known.TryGetValue(source, out var faster))
                return faster.Value.Grammar;
            _known[source] = _lastUsedFirst.AddFirst((source, grammar));
            if (_lastUsedFirst.Count > MostKept)
            {
                _known.Remove(_lastUsedFirst.Last!.Value.Source);
                _lastUsedFirst.RemoveLast();
            }
            return grammar;
        }
    }

    // What ends a generation is no text, whatever it is called: it would end it in the middle of a string.
    private TokenTrie VocabularyOf(HashSet<int> shown) => TokenTrie.Of([.. Enumerable.Range(0, _tokenizer.VocabularySize).Select(id =>
        (_tokenizer.IsRendered(id) || shown.Contains(id)) && !_tokenizer.IsEndOfGeneration(id) ? _tokenizer.TokenBytes(id) : default)]);

    private HashSet<int> ControlTokensIn(ToolCallSyntax syntax)
    {
        var text = string.Join('\n', syntax.Opening, syntax.Between, syntax.After, syntax.Separator, syntax.End);
        return [.. Enumerable.Range(0, _tokenizer.VocabularySize).Where(id => !_tokenizer.IsRendered(id) && !_tokenizer.IsEndOfGeneration(id)
            && _tokenizer.NameOf(id) is { Length: > 0 } name && text.Contains(name, StringComparison.Ordinal))];
    }
}
