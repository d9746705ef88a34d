using System.Collections.Concurrent;
using Formation.Inference.Engine.Reasoning;
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
    private readonly Lazy<HashSet<int>> _callTokens;
    private readonly Dictionary<string, Lazy<TokenTrie>> _vocabularies = [];
    private readonly ConcurrentDictionary<ReasoningSyntax, HashSet<int>> _reasoningTokens = [];
    private readonly Lock _lock = new();
    private readonly Dictionary<Source, LinkedListNode<(Source Source, OutputGrammar Grammar)>> _known = [];
    private readonly LinkedList<(Source Source, OutputGrammar Grammar)> _lastUsedFirst = [];

    /// <param name="tokenizer">The model's.</param>
    /// <param name="toolCalls">How the model calls tools; asked for where a request has some.</param>
    public OutputGrammars(Tokenizer tokenizer, Func<ToolCallSyntax> toolCalls)
    {
        (_tokenizer, _toolCalls) = (tokenizer, toolCalls);
        _callTokens = new Lazy<HashSet<int>>(() =>
        {
            var syntax = toolCalls();
            return ControlTokensIn(string.Join('\n', syntax.Opening, syntax.Between, syntax.After, syntax.Separator, syntax.End));
        });
    }

    /// <summary>
    /// Control tokens that are text in a request's answers: those that calls of tools have in them, where these may be called, and those that open and
    /// close a train of thought, where there may be one.
    /// </summary>
    public IReadOnlySet<int> TextTokens(ToolUse? toolUse, ReasoningSyntax? reasoning)
    {
        var calls = toolUse is null ? [] : _callTokens.Value;
        var thoughts = reasoning is null ? [] : _reasoningTokens.GetOrAdd(reasoning, syntax => ControlTokensIn($"{syntax.Opening}\n{syntax.Closing}"));
        return calls.Count == 0 ? thoughts : thoughts.Count == 0 ? calls : [.. calls, .. thoughts];
    }

    /// <summary>What the grammar of a request's output is made of.</summary>
    private sealed record Source(OutputFormat? Format, ToolUse? ToolUse, SensitiveText? Tools, ReasoningSyntax? Reasoning);

    /// <summary>The grammar of a request's output, or null where any text will do.</summary>
    /// <param name="request">The request.</param>
    /// <param name="reasoning">How a train of thought stands before its answers, or null where there is none.</param>
    /// <param name="cancellationToken">Cancels it.</param>
    /// <exception cref="GrammarException">It can't be held to: it says something that is no grammar, or is too large.</exception>
    /// <exception cref="OperationCanceledException">Nobody waits for it any more.</exception>
    public OutputGrammar? Of(GenerationRequest request, ReasoningSyntax? reasoning = null, CancellationToken cancellationToken = default)
    {
        if (request is { Format: null, ToolUse: null })
            return null;
        var tools = request is { ToolUse: not null, Prompt: ChatPrompt { Tools: { } definitions } } ? definitions.GetRawText() : null;
        return Get(new Source(request.Format, request.ToolUse, tools is null ? default(SensitiveText?) : new SensitiveText(tools), reasoning), cancellationToken);
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
        var grammar = GrammarCompiler.Compile(Definition(source, cancellationToken), cancellationToken);
        return Keep(source, new OutputGrammar(grammar, VocabularyWith(TextTokens(source.ToolUse, source.Reasoning)), _tokenizer));
    }

    private GrammarDefinition Definition(Source source, CancellationToken cancellationToken)
    {
        var format = source.Format is null ? null : FormatGrammar.Of(source.Format, cancellationToken);
        return source.ToolUse is not null
            ? ToolGrammar.Of(ToolDefinition.Read(source.Tools?.Value), _toolCalls(), source.ToolUse, format, source.Reasoning, cancellationToken)
            : source.Reasoning is null ? format! : ReasoningGrammar.Before(format!, source.Reasoning);
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

    // Few sets of tokens are ever asked for; each trie of them takes as much memory as the vocabulary.
    private TokenTrie VocabularyWith(IReadOnlySet<int> shown)
    {
        Lazy<TokenTrie>? vocabulary;
        var key = string.Join(',', shown.Order());
        lock (_vocabularies)
            if (!_vocabularies.TryGetValue(key, out vocabulary))
                _vocabularies[key] = vocabulary = new Lazy<TokenTrie>(() => VocabularyOf(shown));
        return vocabulary.Value;
    }

    // What ends a generation is no text, whatever it is called: it would end it in the middle of a string.
    private TokenTrie VocabularyOf(IReadOnlySet<int> shown) => TokenTrie.Of([.. Enumerable.Range(0, _tokenizer.VocabularySize).Select(id =>
        (_tokenizer.IsRendered(id) || shown.Contains(id)) && !_tokenizer.IsEndOfGeneration(id) ? _tokenizer.TokenBytes(id) : default)]);

    private HashSet<int> ControlTokensIn(string text) => [.. Enumerable.Range(0, _tokenizer.VocabularySize).Where(id => !_tokenizer.IsRendered(id) && !_tokenizer.IsEndOfGeneration(id)
            && _tokenizer.NameOf(id) is { Length: > 0 } name && text.Contains(name, StringComparison.Ordinal))];
}
