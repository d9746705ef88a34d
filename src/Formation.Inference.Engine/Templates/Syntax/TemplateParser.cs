namespace Formation.Inference.Engine.Templates.Syntax;

/// <summary>Parses a template's text and tags to statements.</summary>
internal sealed class TemplateParser
{
    readonly TokenReader _reader;
    readonly ExpressionParser _expressions;
    int _loops;

    TemplateParser(List<Token> tokens, ChatTemplateLimits limits)
    {
        _reader = new TokenReader(tokens, limits.MaxParseDepth);
        _expressions = new ExpressionParser(_reader);
    }

    public static IReadOnlyList<Statement> Parse(string source, ChatTemplateLimits limits)
    {
        if (source.Length > limits.MaxSourceLength)
        {
            throw new TemplateException(
                TemplateErrorKind.LimitExceeded,
                $"the source has {source.Length} characters; the limit is {limits.MaxSourceLength}.",
                SourcePosition.Start);
        }
        return new TemplateParser(TemplateLexer.Read(source, limits), limits).ParseBody([]);
    }

    /// <summary>Statements up to a tag whose name is one of <paramref name="ends"/>; the cursor then stands on that name.</summary>
    List<Statement> ParseBody(ReadOnlySpan<string> ends)
    {
        var body = new List<Statement>();
        while (true)
        {
            var token = _reader.Current;
            switch (token.Kind)
            {
                case TokenKind.Data:
                    _reader.Next();
                    body.Add(new TextStatement(MarkedText.Template(token.Text), token.Position));
                    break;
                case TokenKind.OutputBegin:
                    _reader.Next();
                    body.Add(new OutputStatement(_expressions.ParseTuple(), token.Position));
                    _reader.Expect(TokenKind.OutputEnd, "'}}'");
                    break;
                case TokenKind.BlockBegin:
                    _reader.Next();
                    if (_reader.Current.Kind == TokenKind.Name && ends.Contains(_reader.Current.Text))
                        return body;
                    body.Add(ParseStatement(token.Position));
                    ExpectBlockEnd();
                    break;
                default:
                    if (ends.Length > 0)
                        throw _reader.Error($"the template ends where '{{% {ends[^1]} %}}' is still missing.");
                    return body;
            }
        }
    }

    Statement ParseStatement(SourcePosition position)
    {
        _reader.Enter();
        var name = _reader.Expect(TokenKind.Name, "a tag's name");
        Statement statement = name.Text switch
        {
            "if" => ParseIf(position),
            "for" => ParseFor(position),
            "set" => ParseSet(position),
            "macro" => ParseMacro(position),
            "call" => ParseCall(position),
            "filter" => ParseFilterBlock(position),
            "with" => ParseWith(position),
            "generation" => new GenerationStatement(ParseBlock("endgeneration"), position),
            "print" => new OutputStatement(_expressions.ParseTuple(), position),
            "break" when _loops > 0 => new BreakStatement(position),
            "continue" when _loops > 0 => new ContinueStatement(position),
            "break" or "continue" => throw new TemplateException(
                TemplateErrorKind.Syntax, $"'{name.Text}' stands outside a loop.", name.Position),
            "include" or "import" or "from" or "extends" or "block" => throw new TemplateException(
                TemplateErrorKind.Unsupported, $"'{name.Text}' needs other templates, and a chat template has none.", name.Position),
            _ => throw new TemplateException(
                name.Text.StartsWith("end", StringComparison.Ordinal) || name.Text is "else" or "elif"
                    ? TemplateErrorKind.Syntax
                    : TemplateErrorKind.Unsupported,
                $"the tag {name.Describe()} is unknown or does not belong here.",
                name.Position),
        };
        _reader.Leave();
        return statement;
    }

    /// <summary>The rest of an opening tag, a body, and the name of its closing tag.</summary>
    List<Statement> ParseBlock(string end)
    {
        ExpectBlockEnd();
        var body = ParseBody([end]);
        _reader.Next();
        return body;
    }

    IfStatement ParseIf(SourcePosition position)
    {
        var branches = new List<(Expression, IReadOnlyList<Statement>)>();
        while (true)
        {
            var test = _expressions.ParseTuple(allowConditional: false);
            ExpectBlockEnd();
            branches.Add((test, ParseBody(["elif", "else", "endif"])));
            var end = _reader.Next();
            if (end.Text == "elif")
                continue;
            return new IfStatement(branches, end.Text == "else" ? ParseBlock("endif") : [], position);
        }
    }

    ForStatement ParseFor(SourcePosition position)
    {
        var target = ParseTarget(allowNamespace: false);
        _reader.ExpectName("in");
        var iterable = _expressions.ParseTuple(allowConditional: false);
        var filter = _reader.SkipName("if") ? _expressions.Parse() : null;
        var isRecursive = _reader.SkipName("recursive");
        ExpectBlockEnd();
        _loops++;
        var body = ParseBody(["else", "endfor"]);
        _loops--;
        var otherwise = _reader.Next().Text == "else" ? ParseBlock("endfor") : [];
        return new ForStatement(target, iterable, filter, isRecursive, body, otherwise, position);
    }

    Statement ParseSet(SourcePosition position)
    {
        var target = ParseTarget(allowNamespace: true);
        if (_reader.SkipOperator("="))
            return new SetStatement(target, _expressions.ParseTuple(), position);
        var filter = _reader.SkipOperator("|") ? ParseFilterChain() : null;
        return new SetBlockStatement(target, filter, ParseBlock("endset"), position);
    }

    FilterExpression ParseFilterChain()
    {
        var filter = _expressions.ParseFilter(null);
        var links = 0;
        while (_reader.SkipOperator("|"))
        {
            _reader.CountLink(ref links);
            filter = _expressions.ParseFilter(filter);
        }
        return filter;
    }

    MacroStatement ParseMacro(SourcePosition position)
    {
        var name = _reader.Expect(TokenKind.Name, "the macro's name").Text;
        if (!_reader.Current.IsOperator("("))
            throw _reader.Unexpected("'('");
        return new MacroStatement(name, ParseSignature("endmacro"), position);
    }

    CallStatement ParseCall(SourcePosition position)
    {
        var parameters = _reader.Current.IsOperator("(") ? ParseParameters() : [];
        if (_expressions.Parse() is not CallExpression call)
            throw new TemplateException(TemplateErrorKind.Syntax, "'call' needs a call behind it.", position);
        return new CallStatement(call, ParseMacroBody(parameters, "endcall"), position);
    }

    MacroSignature ParseSignature(string end) => ParseMacroBody(ParseParameters(), end);

    MacroSignature ParseMacroBody(List<(string, Expression?)> parameters, string end)
    {
        var start = _reader.Offset;
        // A break inside a macro that stands in a loop has no loop of its own to end.
        (var loops, _loops) = (_loops, 0);
        var body = ParseBlock(end);
        _loops = loops;
        return new MacroSignature(
            parameters, body, _reader.HasName("varargs", start), _reader.HasName("kwargs", start), _reader.HasName("caller", start));
    }

    List<(string, Expression?)> ParseParameters()
    {
        _reader.ExpectOperator("(");
        var parameters = new List<(string Name, Expression? Default)>();
        while (!_reader.Current.IsOperator(")"))
        {
            var name = _reader.Expect(TokenKind.Name, "a parameter's name");
            var hasDefault = _reader.SkipOperator("=");
            if (!hasDefault && parameters.Count > 0 && parameters[^1].Default is not null)
                throw new TemplateException(
                    TemplateErrorKind.Syntax, "a parameter without a default follows one with a default.", name.Position);
            parameters.Add((name.Text, hasDefault ? _expressions.Parse() : null));
            if (!_reader.SkipOperator(","))
                break;
        }
        _reader.ExpectOperator(")");
        return parameters;
    }

    FilterStatement ParseFilterBlock(SourcePosition position)
    {
        var filter = ParseFilterChain();
        return new FilterStatement(filter, ParseBlock("endfilter"), position);
    }

    WithStatement ParseWith(SourcePosition position)
    {
        var assignments = new List<(AssignmentTarget, Expression)>();
        while (_reader.Current.Kind != TokenKind.BlockEnd)
        {
            var target = ParseTarget(allowNamespace: false);
            _reader.ExpectOperator("=");
            assignments.Add((target, _expressions.Parse()));
            if (!_reader.SkipOperator(","))
                break;
        }
        return new WithStatement(assignments, ParseBlock("endwith"), position);
    }

    AssignmentTarget ParseTarget(bool allowNamespace)
    {
        var position = _reader.Current.Position;
        var first = ParseSingleTarget(allowNamespace);
        if (!_reader.Current.IsOperator(","))
            return first;
        var items = new List<AssignmentTarget> { first };
        while (_reader.SkipOperator(","))
        {
            if (_reader.Current.IsName("in") || _reader.Current.IsOperator("=") || _reader.Current.IsOperator(")"))
                break;
            items.Add(ParseSingleTarget(allowNamespace));
        }
        return new TupleTarget(items, position);
    }

    AssignmentTarget ParseSingleTarget(bool allowNamespace)
    {
        if (_reader.Current.IsOperator("("))
        {
            _reader.Enter();
            _reader.Next();
            var target = ParseTarget(allowNamespace);
            _reader.ExpectOperator(")");
            _reader.Leave();
            return target;
        }
        var name = _reader.Expect(TokenKind.Name, "a name to assign to");
        if (name.Text is "true" or "false" or "none" or "True" or "False" or "None")
            throw new TemplateException(TemplateErrorKind.Syntax, $"can't assign to '{name.Text}'.", name.Position);
        if (allowNamespace && _reader.SkipOperator("."))
            return new NamespaceTarget(name.Text, _reader.Expect(TokenKind.Name, "an attribute's name").Text, name.Position);
        return new NameTarget(name.Text, name.Position);
    }

    void ExpectBlockEnd() => _reader.Expect(TokenKind.BlockEnd, "'%}'");
}
