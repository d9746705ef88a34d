using Formation.Inference.Engine.Templates.Syntax;

namespace Formation.Inference.Engine.Templates;

/// <summary>Runs a template's statements.</summary>
internal sealed class TemplateRenderer(RenderContext context)
{
    /// <summary>A macro call makes a scope and a text of its own, which costs about as much time as evaluating this many nodes.</summary>
    const int StepsPerMacroCall = 8;

    readonly Evaluator _evaluator = new(context);

    enum Flow
    {
        Normal,
        Break,
        Continue,
    }

    /// <summary>Renders a whole template with the variables given.</summary>
    public MarkedText Render(IReadOnlyList<Statement> template, Scope variables)
    {
        var output = new MarkedTextBuilder(context, isOutput: true);
        Run(template, variables, output);
        return output.Build();
    }

    Flow Run(IReadOnlyList<Statement> body, Scope scope, MarkedTextBuilder output)
    {
        context.Enter();
        var flow = Flow.Normal;
        for (var i = 0; i < body.Count && flow == Flow.Normal; i++)
            flow = Run(body[i], scope, output);
        context.Leave();
        return flow;
    }

    Flow Run(Statement statement, Scope scope, MarkedTextBuilder output)
    {
        context.Charge(1);
        context.Position = statement.Position;
        switch (statement)
        {
            case TextStatement text:
                output.Append(text.Text);
                return Flow.Normal;
            case OutputStatement node:
                output.Append(PythonText.Str(context, _evaluator.Evaluate(node.Value, scope)));
                return Flow.Normal;
            case IfStatement node:
                return RunIf(node, scope, output);
            case ForStatement node:
                RunLoop(node, _evaluator.Evaluate(node.Iterable, scope), scope, output, depth: 0);
                return Flow.Normal;
            case SetStatement node:
                Assign(node.Target, _evaluator.Evaluate(node.Value, scope), scope);
                return Flow.Normal;
            case BreakStatement:
                return Flow.Break;
            case ContinueStatement:
                return Flow.Continue;
            default:
                return RunBlock(statement, scope, output);
        }
    }

    /// <summary>Blocks whose bodies have variables of their own.</summary>
    Flow RunBlock(Statement statement, Scope scope, MarkedTextBuilder output)
    {
        switch (statement)
        {
            case SetBlockStatement node:
                var text = Capture(node.Body, scope);
                Assign(node.Target, node.Filter is null ? text : _evaluator.FilterBlock(node.Filter, text, scope), scope);
                return Flow.Normal;
            case MacroStatement node:
                context.ChargeObjects(4);
                scope.Set(node.Name, Macro(node.Name, node.Signature, scope));
                return Flow.Normal;
            case CallStatement node:
                var caller = KeyValuePair.Create<string, TemplateValue>("caller", Macro("caller", node.Caller, scope));
                output.Append(PythonText.Str(context, _evaluator.Call(node.Call, scope, caller)));
                return Flow.Normal;
            case FilterStatement node:
                output.Append(PythonText.Str(context, _evaluator.FilterBlock(node.Filter, Capture(node.Body, scope), scope)));
                return Flow.Normal;
            case WithStatement node:
                return RunWith(node, scope, output);
            case GenerationStatement node:
                return Run(node.Body, new Scope(scope), output);
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    Flow RunIf(IfStatement node, Scope scope, MarkedTextBuilder output)
    {
        foreach (var (test, body) in node.Branches)
        {
            if (_evaluator.Evaluate(test, scope).IsTruthy)
                return Run(body, scope, output);
        }
        return Run(node.Otherwise, scope, output);
    }

    Flow RunWith(WithStatement node, Scope scope, MarkedTextBuilder output)
    {
        var inner = new Scope(scope);
        foreach (var (target, value) in node.Assignments)
            Assign(target, _evaluator.Evaluate(value, scope), inner);
        return Run(node.Body, inner, output);
    }

    void RunLoop(ForStatement node, TemplateValue iterable, Scope scope, MarkedTextBuilder output, int depth)
    {
        context.Position = node.Position;
        var items = LoopItems(node, iterable, scope);
        if (items.Count == 0)
        {
            Run(node.Otherwise, new Scope(scope), output);
            return;
        }
        var loop = new LoopValue(items, depth, node.IsRecursive ? Recurse : null);
        for (; loop.Index < items.Count; loop.Index++)
        {
            context.Charge(1);
            var inner = new Scope(scope);
            inner.Set("loop", loop);
            Assign(node.Target, items[loop.Index], inner);
            if (Run(node.Body, inner, output) == Flow.Break)
                break;
        }

        TemplateValue Recurse(RenderContext _, TemplateValue children)
        {
            var nested = new MarkedTextBuilder(context);
            RunLoop(node, children, scope, nested, depth + 1);
            return nested.BuildValue();
        }
    }

    /// <summary>What a loop goes over: a copy, since the body may change the list, without what the loop's filter turns away.</summary>
    List<TemplateValue> LoopItems(ForStatement node, TemplateValue iterable, Scope scope)
    {
        var items = new List<TemplateValue>();
        foreach (var item in Iteration.Items(context, iterable).ToArray())
        {
            if (node.Filter is not null)
            {
                var inner = new Scope(scope);
                Assign(node.Target, item, inner);
                if (!_evaluator.Evaluate(node.Filter, inner).IsTruthy)
                    continue;
            }
            items.Add(item);
        }
        return items;
    }

    StringValue Capture(IReadOnlyList<Statement> body, Scope scope)
    {
        var captured = new MarkedTextBuilder(context);
        Run(body, new Scope(scope), captured);
        return captured.BuildValue();
    }

    CallableValue Macro(string name, MacroSignature signature, Scope scope) =>
        new(name, (_, arguments) => RunMacro(signature, arguments, scope))
        {
            Attributes = attribute => attribute == "name" ? StringValue.Template(name) : null,
        };

    StringValue RunMacro(MacroSignature signature, Arguments arguments, Scope definition)
    {
        context.Charge(StepsPerMacroCall);
        var callPosition = context.Position;
        var scope = new Scope(definition);
        BindParameters(signature, arguments, scope);
        context.Position = callPosition;
        var output = new MarkedTextBuilder(context);
        Run(signature.Body, scope, output);
        return output.BuildValue();
    }

    void BindParameters(MacroSignature signature, Arguments arguments, Scope scope)
    {
        var parameters = signature.Parameters;
        var extra = arguments.Positional.Skip(parameters.Count).ToList();
        if (extra.Count > 0 && !signature.UsesVarargs)
            throw context.Invalid(
                $"macro '{arguments.Callee}' takes at most {parameters.Count} arguments, not {arguments.Positional.Count}.");
        var named = arguments.NamedByName();
        for (var i = 0; i < parameters.Count; i++)
        {
            var (name, defaultValue) = parameters[i];
            var isNamed = named.Remove(name, out var value);
            if (isNamed && i < arguments.Positional.Count)
                throw context.Invalid($"macro '{arguments.Callee}' is given '{name}' twice.");
            value = i < arguments.Positional.Count ? arguments.Positional[i] : value;
            scope.Set(name, value ?? (defaultValue is null ? new UndefinedValue(name) : _evaluator.Evaluate(defaultValue, scope)));
        }
        BindSpecialVariables(signature, arguments, extra, named, scope);
    }

    /// <summary>What a macro's body may ask for besides its parameters: <c>varargs</c>, <c>kwargs</c> and <c>caller</c>.</summary>
    void BindSpecialVariables(
        MacroSignature signature,
        Arguments arguments,
        List<TemplateValue> extra,
        OrderedDictionary<string, TemplateValue> named,
        Scope scope)
    {
        if (signature.UsesCaller)
            scope.Set("caller", named.Remove("caller", out var caller) ? caller : new UndefinedValue("caller"));
        if (signature.UsesVarargs)
            scope.Set("varargs", ListValue.Tuple(extra));
        if (signature.UsesKwargs)
        {
            var rest = new DictValue();
            foreach (var (name, value) in named)
                rest.Items[StringValue.Data(name)] = value;
            scope.Set("kwargs", rest);
        }
        else if (named.Count > 0)
            throw context.Invalid($"macro '{arguments.Callee}' has no parameter of one of the names given.");
    }

    void Assign(AssignmentTarget target, TemplateValue value, Scope scope)
    {
        context.Position = target.Position;
        switch (target)
        {
            case NameTarget name:
                scope.Set(name.Name, value);
                break;
            case NamespaceTarget member:
                if (scope.Find(member.Name) is not NamespaceValue space)
                    throw context.Invalid($"'{member.Name}' is not a namespace, so its attributes can't be set.");
                context.CheckCollection(space.Attributes.Count + 1);
                space.Attributes[member.Attribute] = value;
                break;
            case TupleTarget tuple:
                AssignTuple(tuple, value, scope);
                break;
        }
    }

    void AssignTuple(TupleTarget tuple, TemplateValue value, Scope scope)
    {
        if (value is UndefinedValue undefined)
            throw context.Undefined(undefined);
        var items = Iteration.Items(context, value);
        if (items.Count != tuple.Items.Count)
            throw context.Invalid($"{items.Count} values can't be unpacked to {tuple.Items.Count} names.");
        for (var i = 0; i < items.Count; i++)
            Assign(tuple.Items[i], items[i], scope);
    }
}
