namespace Formation.Inference.Engine.Templates.Syntax;

/// <summary>
/// Parses expressions with Jinja's precedence, loosest first: <c>if else</c>, <c>or</c>, <c>and</c>, <c>not</c>, comparisons,
/// <c>+ -</c>, <c>~</c>, <c>* / // %</c>, <c>**</c>, sign, then filters and tests, then attributes, items and calls.
/// </summary>
internal sealed class ExpressionParser(TokenReader reader)
{
    /// <summary>An expression, or a tuple without parentheses where commas follow.</summary>
    public Expression ParseTuple(bool allowConditional = true)
    {
        var position = reader.Current.Position;
        var first = Parse(allowConditional);
        if (!reader.Current.IsOperator(","))
            return first;
        var items = new List<Expression> { first };
        while (reader.SkipOperator(","))
        {
            var next = reader.Current;
            if (next.Kind is TokenKind.OutputEnd or TokenKind.BlockEnd || next.IsOperator(")") || next.IsName("recursive"))
                break;
            items.Add(Parse(allowConditional));
        }
        return new ListExpression(items, IsTuple: true, position);
    }

    public Expression Parse(bool allowConditional = true)
    {
        reader.Enter();
        var expression = allowConditional ? ParseConditional() : ParseOr();
        reader.Leave();
        return expression;
    }

    Expression ParseConditional()
    {
        var expression = ParseOr();
        var links = 0;
        while (reader.Current.IsName("if"))
        {
            reader.CountLink(ref links);
            var position = reader.Next().Position;
            var test = ParseOr();
            var otherwise = reader.SkipName("else") ? Parse() : null;
            expression = new ConditionalExpression(test, expression, otherwise, position);
        }
        return expression;
    }

    Expression ParseOr()
    {
        var left = ParseAnd();
        var links = 0;
        while (reader.Current.IsName("or"))
        {
            reader.CountLink(ref links);
            var position = reader.Next().Position;
            left = new LogicalExpression(IsAnd: false, left, ParseAnd(), position);
        }
        return left;
    }

    Expression ParseAnd()
    {
        var left = ParseNot();
        var links = 0;
        while (reader.Current.IsName("and"))
        {
            reader.CountLink(ref links);
            var position = reader.Next().Position;
            left = new LogicalExpression(IsAnd: true, left, ParseNot(), position);
        }
        return left;
    }

    Expression ParseNot()
    {
        if (!reader.Current.IsName("not"))
            return ParseCompare();
        reader.Enter();
        var position = reader.Next().Position;
        var expression = new NotExpression(ParseNot(), position);
        reader.Leave();
        return expression;
    }

    Expression ParseCompare()
    {
        var first = ParseBinary(0);
        if (CompareOperatorAtCursor() is null)
            return first;
        var position = reader.Current.Position;
        var rest = new List<(CompareOperator, Expression)>();
        var links = 0;
        while (CompareOperatorAtCursor() is { } op)
        {
            reader.CountLink(ref links);
            reader.Next();
            if (op == CompareOperator.NotIn)
                reader.Next();
            rest.Add((op, ParseBinary(0)));
        }
        return new CompareExpression(first, rest, position);
    }

    CompareOperator? CompareOperatorAtCursor()
    {
        var token = reader.Current;
        if (token.IsName("in"))
            return CompareOperator.In;
        if (token.IsName("not") && reader.Peek().IsName("in"))
            return CompareOperator.NotIn;
        return token.Kind != TokenKind.Operator ? null : token.Text switch
        {
            "==" => CompareOperator.Equal,
            "!=" => CompareOperator.NotEqual,
            "<" => CompareOperator.Less,
            "<=" => CompareOperator.LessOrEqual,
            ">" => CompareOperator.Greater,
            ">=" => CompareOperator.GreaterOrEqual,
            _ => null,
        };
    }

    /// <summary>Binary operators from the level given (0 loosest) upwards, all of them left-associative, <c>**</c> too.</summary>
    Expression ParseBinary(int level)
    {
        if (level > 3)
            return ParseUnary(withFilters: true);
        var left = ParseBinary(level + 1);
        var links = 0;
        while (BinaryOperatorAtCursor() is { } op && op.Level == level)
        {
            reader.CountLink(ref links);
            var position = reader.Next().Position;
            left = new BinaryExpression(op.Operator, left, ParseBinary(level + 1), position);
        }
        return left;
    }

    (BinaryOperator Operator, int Level)? BinaryOperatorAtCursor()
    {
        if (reader.Current.Kind != TokenKind.Operator)
            return null;
        return reader.Current.Text switch
        {
            "+" => (BinaryOperator.Add, 0),
            "-" => (BinaryOperator.Subtract, 0),
            "~" => (BinaryOperator.Concatenate, 1),
            "*" => (BinaryOperator.Multiply, 2),
            "/" => (BinaryOperator.Divide, 2),
            "//" => (BinaryOperator.FloorDivide, 2),
            "%" => (BinaryOperator.Modulo, 2),
            "**" => (BinaryOperator.Power, 3),
            _ => null,
        };
    }

    Expression ParseUnary(bool withFilters)
    {
        Expression expression;
        if (reader.Current.IsOperator("-") || reader.Current.IsOperator("+"))
        {
            reader.Enter();
            var sign = reader.Next();
            expression = new SignExpression(sign.Text == "-", ParseUnary(withFilters: false), sign.Position);
            reader.Leave();
        }
        else
            expression = ParsePrimary();
        expression = ParsePostfix(expression);
        return withFilters ? ParseFiltersAndTests(expression) : expression;
    }

    Expression ParsePrimary()
    {
        var token = reader.Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                reader.Next();
                return token.Text switch
                {
                    "true" or "True" => new LiteralExpression(BooleanValue.True, token.Position),
                    "false" or "False" => new LiteralExpression(BooleanValue.False, token.Position),
                    "none" or "None" => new LiteralExpression(NoneValue.Instance, token.Position),
                    _ => new NameExpression(token.Text, token.Position),
                };
            case TokenKind.String:
                return new LiteralExpression(new StringValue(MarkedText.Template(ParseAdjacentStrings())), token.Position);
            case TokenKind.Integer:
                reader.Next();
                return new LiteralExpression(new IntegerValue(token.Integer), token.Position);
            case TokenKind.Float:
                reader.Next();
                return new LiteralExpression(new FloatValue(token.Float), token.Position);
            case TokenKind.Operator when token.Text == "(":
                return ParseParentheses();
            case TokenKind.Operator when token.Text == "[":
                return ParseList();
            case TokenKind.Operator when token.Text == "{":
                return ParseDict();
            default:
                throw reader.Unexpected("an expression");
        }
    }

    string ParseAdjacentStrings()
    {
        var text = reader.Next().Text;
        if (reader.Current.Kind != TokenKind.String)
            return text;
        var parts = new List<string> { text };
        while (reader.Current.Kind == TokenKind.String)
            parts.Add(reader.Next().Text);
        return string.Concat(parts);
    }

    Expression ParseParentheses()
    {
        var position = reader.Next().Position;
        if (reader.SkipOperator(")"))
            return new ListExpression([], IsTuple: true, position);
        var expression = ParseTuple();
        reader.ExpectOperator(")");
        return expression;
    }

    ListExpression ParseList()
    {
        var position = reader.Next().Position;
        var items = new List<Expression>();
        while (!reader.Current.IsOperator("]"))
        {
            items.Add(Parse());
            if (!reader.SkipOperator(","))
                break;
        }
        reader.ExpectOperator("]");
        return new ListExpression(items, IsTuple: false, position);
    }

    DictExpression ParseDict()
    {
        var position = reader.Next().Position;
        var items = new List<(Expression, Expression)>();
        while (!reader.Current.IsOperator("}"))
        {
            var key = Parse();
            reader.ExpectOperator(":");
            items.Add((key, Parse()));
            if (!reader.SkipOperator(","))
                break;
        }
        reader.ExpectOperator("}");
        return new DictExpression(items, position);
    }

    Expression ParsePostfix(Expression expression)
    {
        var links = 0;
        while (reader.Current.Kind == TokenKind.Operator)
        {
            switch (reader.Current.Text)
            {
                case ".": expression = ParseAttribute(expression); break;
                case "[": expression = ParseSubscript(expression); break;
                case "(": expression = ParseCall(expression); break;
                default: return expression;
            }
            reader.CountLink(ref links);
        }
        return expression;
    }

    Expression ParseAttribute(Expression target)
    {
        var position = reader.Next().Position;
        var token = reader.Next();
        return token.Kind switch
        {
            TokenKind.Name => new AttributeExpression(target, token.Text, position),
            TokenKind.Integer =>
                new ItemExpression(target, new LiteralExpression(new IntegerValue(token.Integer), token.Position), position),
            _ =>
                throw new TemplateException(
                    TemplateErrorKind.Syntax, $"expected a name after '.', found {token.Describe()}.", token.Position),
        };
    }

    Expression ParseSubscript(Expression target)
    {
        var position = reader.Next().Position;
        var start = reader.Current.IsOperator(":") ? null : Parse();
        if (!reader.SkipOperator(":"))
        {
            reader.ExpectOperator("]");
            return new ItemExpression(target, start!, position);
        }
        var stop = AtSliceEnd() ? null : Parse();
        var step = reader.SkipOperator(":") && !AtSliceEnd() ? Parse() : null;
        reader.ExpectOperator("]");
        return new SliceExpression(target, start, stop, step, position);
    }

    bool AtSliceEnd() => reader.Current.IsOperator(":") || reader.Current.IsOperator("]");

    public CallExpression ParseCall(Expression target)
    {
        var position = reader.Current.Position;
        return new CallExpression(target, ParseArguments(), position);
    }

    ArgumentList ParseArguments()
    {
        reader.ExpectOperator("(");
        var positional = new List<Expression>();
        var named = new List<(string, Expression)>();
        Expression? spread = null, namedSpread = null;
        while (!reader.Current.IsOperator(")"))
        {
            if (reader.Current.IsOperator("*") && spread is null && namedSpread is null)
            {
                reader.Next();
                spread = Parse();
            }
            else if (reader.Current.IsOperator("**") && namedSpread is null)
            {
                reader.Next();
                namedSpread = Parse();
            }
            else if (reader.Current.Kind == TokenKind.Name && reader.Peek().IsOperator("=") && namedSpread is null)
            {
                var name = reader.Next().Text;
                reader.Next();
                named.Add((name, Parse()));
            }
            else if (named.Count == 0 && spread is null && namedSpread is null)
                positional.Add(Parse());
            else
                throw reader.Error("a positional argument can't follow a named or a spread one.");
            if (!reader.SkipOperator(","))
                break;
        }
        reader.ExpectOperator(")");
        return new ArgumentList(positional, named, spread, namedSpread);
    }

    Expression ParseFiltersAndTests(Expression expression)
    {
        var links = 0;
        while (true)
        {
            if (reader.SkipOperator("|"))
                expression = ParseFilter(expression);
            else if (reader.Current.IsName("is"))
                expression = ParseTest(expression);
            else if (reader.Current.IsOperator("("))
                expression = ParseCall(expression);
            else
                return expression;
            reader.CountLink(ref links);
        }
    }

    /// <summary>A filter's name and arguments; the cursor is behind the <c>|</c>.</summary>
    public FilterExpression ParseFilter(Expression? input)
    {
        var (name, position) = ParseDottedName("a filter's name");
        var arguments = reader.Current.IsOperator("(") ? ParseArguments() : ArgumentList.Empty;
        return new FilterExpression(input, name, arguments, position);
    }

    TestExpression ParseTest(Expression input)
    {
        reader.Next();
        var isNegated = reader.SkipName("not");
        var (name, position) = ParseDottedName("a test's name");
        var arguments = ArgumentList.Empty;
        if (reader.Current.IsOperator("("))
            arguments = ParseArguments();
        else if (reader.Current.IsName("is"))
            throw reader.Error("tests can't be chained with 'is'.");
        else if (StartsTestArgument(reader.Current))
        {
            reader.Enter();
            arguments = new ArgumentList([ParsePostfix(ParsePrimary())], [], null, null);
            reader.Leave();
        }
        return new TestExpression(input, name, isNegated, arguments, position);
    }

    /// <summary>Whether a token begins the argument of a test written without parentheses (<c>x is divisibleby 3</c>).</summary>
    static bool StartsTestArgument(Token token) => token.Kind switch
    {
        // Jinja takes any name but else, or, and; the others here can't begin a value either, and templates put them behind a test.
        TokenKind.Name => token.Text is not ("else" or "or" or "and" or "is" or "if" or "in" or "not" or "recursive"),
        TokenKind.String or TokenKind.Integer or TokenKind.Float => true,
        TokenKind.Operator => token.Text is "[" or "{",
        _ => false,
    };

    (string Name, SourcePosition Position) ParseDottedName(string description)
    {
        var token = reader.Expect(TokenKind.Name, description);
        var name = token.Text;
        while (reader.SkipOperator("."))
            name += "." + reader.Expect(TokenKind.Name, description).Text;
        return (name, token.Position);
    }
}
