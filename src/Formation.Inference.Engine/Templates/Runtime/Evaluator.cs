using Formation.Inference.Engine.Templates.Builtins;
using Formation.Inference.Engine.Templates.Syntax;

namespace Formation.Inference.Engine.Templates;

/// <summary>Computes the values of expressions.</summary>
internal sealed class Evaluator(RenderContext context)
{
    public TemplateValue Evaluate(Expression expression, Scope scope)
    {
        context.Charge(1);
        context.Position = expression.Position;
        switch (expression)
        {
            case LiteralExpression literal:
                return literal.Value;
            case NameExpression name:
                return scope.Find(name.Name) ?? new UndefinedValue(name.Name);
        }
        context.Enter();
        var value = EvaluateNested(expression, scope);
        context.Leave();
        return value;
    }

    TemplateValue EvaluateNested(Expression expression, Scope scope) => expression switch
    {
        AttributeExpression node => Member(node, scope),
        ItemExpression node => Item(node, scope),
        SliceExpression node => Slice(node, scope),
        CallExpression node => Call(node, scope),
        FilterExpression node => Filter(node, Evaluate(node.Input!, scope), scope),
        TestExpression node => Test(node, scope),
        BinaryExpression node => Binary(node, scope),
        CompareExpression node => Compare(node, scope),
        LogicalExpression node => Logical(node, scope),
        NotExpression node => BooleanValue.Of(!Evaluate(node.Operand, scope).IsTruthy),
        SignExpression node => At(node, Evaluate(node.Operand, scope), value => Operators.Negate(context, value, node.IsNegative)),
        ConditionalExpression node => Conditional(node, scope),
        ListExpression node => List(node, scope),
        DictExpression node => Dict(node, scope),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    /// <summary>Applies a filter, or for a block the chain of filters whose innermost has no input of its own.</summary>
    public TemplateValue FilterBlock(FilterExpression filter, TemplateValue body, Scope scope) =>
        Filter(filter, filter.Input is FilterExpression inner ? FilterBlock(inner, body, scope) : body, scope);

    public TemplateValue Call(CallExpression node, Scope scope, params ReadOnlySpan<KeyValuePair<string, TemplateValue>> extra)
    {
        var target = Evaluate(node.Target, scope);
        var name = target is CallableValue callable ? callable.Name : "the call";
        var arguments = EvaluateArguments(name, node.Arguments, scope, extra);
        context.Position = node.Position;
        return target switch
        {
            CallableValue function => function.Invoke(context, arguments),
            LoopValue loop => loop.Invoke(context, arguments),
            UndefinedValue undefined => throw context.Undefined(undefined),
            _ => throw context.Invalid($"{target.TypeName} can't be called."),
        };
    }

    TemplateValue At(Expression node, TemplateValue operand, Func<TemplateValue, TemplateValue> apply)
    {
        context.Position = node.Position;
        return apply(operand);
    }

    TemplateValue Member(AttributeExpression node, Scope scope)
    {
        var target = Evaluate(node.Target, scope);
        context.Position = node.Position;
        return Members.Attribute(context, target, node.Name);
    }

    TemplateValue Item(ItemExpression node, Scope scope)
    {
        var target = Evaluate(node.Target, scope);
        var key = Evaluate(node.Key, scope);
        context.Position = node.Position;
        return Members.Item(context, target, key);
    }

    TemplateValue Slice(SliceExpression node, Scope scope)
    {
        var target = Evaluate(node.Target, scope);
        var start = node.Start is null ? null : Evaluate(node.Start, scope);
        var stop = node.Stop is null ? null : Evaluate(node.Stop, scope);
        var step = node.Step is null ? null : Evaluate(node.Step, scope);
        context.Position = node.Position;
        return Members.Slice(context, target, start, stop, step);
    }

    TemplateValue Filter(FilterExpression node, TemplateValue input, Scope scope)
    {
        var arguments = EvaluateArguments(node.Name, node.Arguments, scope, []);
        context.Position = node.Position;
        return Filters.Apply(context, node.Name, input, arguments);
    }

    BooleanValue Test(TestExpression node, Scope scope)
    {
        var input = Evaluate(node.Input, scope);
        var arguments = EvaluateArguments(node.Name, node.Arguments, scope, []);
        context.Position = node.Position;
        return BooleanValue.Of(Tests.Apply(context, node.Name, input, arguments) != node.IsNegated);
    }

    TemplateValue Binary(BinaryExpression node, Scope scope)
    {
        var left = Evaluate(node.Left, scope);
        var right = Evaluate(node.Right, scope);
        context.Position = node.Position;
        return Operators.Apply(context, node.Operator, left, right);
    }

    BooleanValue Compare(CompareExpression node, Scope scope)
    {
        var left = Evaluate(node.First, scope);
        foreach (var (op, operand) in node.Rest)
        {
            var right = Evaluate(operand, scope);
            context.Position = node.Position;
            if (!Operators.Compare(context, op, left, right))
                return BooleanValue.False;
            left = right;
        }
        return BooleanValue.True;
    }

    TemplateValue Logical(LogicalExpression node, Scope scope)
    {
        var left = Evaluate(node.Left, scope);
        return left.IsTruthy == node.IsAnd ? Evaluate(node.Right, scope) : left;
    }

    TemplateValue Conditional(ConditionalExpression node, Scope scope)
    {
        if (Evaluate(node.Test, scope).IsTruthy)
            return Evaluate(node.Then, scope);
        return node.Otherwise is null ? UndefinedValue.Unnamed : Evaluate(node.Otherwise, scope);
    }

    ListValue List(ListExpression node, Scope scope)
    {
        context.CheckCollection(node.Items.Count);
        context.ChargeObjects(1);
        var items = new List<TemplateValue>(node.Items.Count);
        foreach (var item in node.Items)
            items.Add(Evaluate(item, scope));
        return new ListValue(items, node.IsTuple ? SequenceKind.Tuple : SequenceKind.List);
    }

    DictValue Dict(DictExpression node, Scope scope)
    {
        context.CheckCollection(node.Items.Count);
        context.ChargeObjects(2 + node.Items.Count);
        var dict = new DictValue();
        foreach (var (keyNode, valueNode) in node.Items)
        {
            var key = Evaluate(keyNode, scope);
            var value = Evaluate(valueNode, scope);
            context.Position = node.Position;
            dict.Items[DictMethods.Key(context, key)] = value;
        }
        return dict;
    }

    Arguments EvaluateArguments(string callee, ArgumentList list, Scope scope, ReadOnlySpan<KeyValuePair<string, TemplateValue>> extra)
    {
        if (ReferenceEquals(list, ArgumentList.Empty) && extra.Length == 0)
            return new Arguments(context, callee, [], []);
        var positional = new List<TemplateValue>(list.Positional.Count);
        foreach (var argument in list.Positional)
            positional.Add(Evaluate(argument, scope));
        if (list.Spread is not null)
            positional.AddRange(Iteration.Items(context, Evaluate(list.Spread, scope)));
        var named = new List<KeyValuePair<string, TemplateValue>>();
        foreach (var (name, argument) in list.Named)
            named.Add(KeyValuePair.Create(name, Evaluate(argument, scope)));
        if (list.NamedSpread is not null)
            AddNamed(named, Evaluate(list.NamedSpread, scope));
        named.AddRange(extra);
        return new Arguments(context, callee, positional, named);
    }

    void AddNamed(List<KeyValuePair<string, TemplateValue>> named, TemplateValue mapping)
    {
        if (mapping is not DictValue dict)
            throw context.Invalid($"'**' needs a mapping, not {mapping.TypeName}.");
        context.ChargeRead(dict);
        foreach (var (key, value) in dict.Items)
        {
            if (key is not StringValue name)
                throw context.Invalid("the keys of a mapping behind '**' are strings.");
            named.Add(KeyValuePair.Create(name.Text, value));
        }
    }
}
