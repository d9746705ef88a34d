using System.Text;
using Formation.Inference.Engine.Grammars;
using Formation.Inference.Engine.Reasoning;

namespace Formation.Inference.Engine.Tools;

/// <summary>
/// Makes the grammar of an answer that may call tools: text as the model likes, but what begins like a call is one, of a tool that there is, with
/// arguments that its schema allows. Nothing follows the last call. What begins like one in a train of thought is none.
/// </summary>
internal static class ToolGrammar
{
    private const string Root = "answer", Call = "call", MoreCalls = "more calls", Calls = "calls", AnyText = "any text";

    /// <param name="tools">The tools that may be called, at least one.</param>
    /// <param name="syntax">How the model writes calls.</param>
    /// <param name="use">Which of them may be called, and whether one must be.</param>
    /// <param name="format">What an answer without calls must be, or null for any text.</param>
    /// <param name="reasoning">How a train of thought stands before the answer, or null where there is none.</param>
    /// <exception cref="GrammarException">There is no such tool, or the schema of one can't be held.</exception>
    /// <exception cref="OperationCanceledException">Nobody waits for it any more.</exception>
    /// <param name="cancellationToken">Cancels it.</param>
    public static GrammarDefinition Of(
        IReadOnlyList<ToolDefinition> tools, ToolCallSyntax syntax, ToolUse use, GrammarDefinition? format = null, ReasoningSyntax? reasoning = null, CancellationToken cancellationToken = default)
    {
        if (use.Name is { } only)
            tools = [.. tools.Where(tool => tool.Name == only)];
        if (tools.Count == 0)
            throw new GrammarException(use.Name is null ? "there are none" : $"there is no tool '{use.Name}'");
        var rules = new Dictionary<string, GrammarExpression>(StringComparer.Ordinal);
        rules[Call] = GrammarExpression.Choice([.. tools.Select((tool, i) => CallOf(tool, $"tool {i}: ", syntax, rules, cancellationToken))]);
        rules[MoreCalls] = use.IsParallel && syntax.Separator is { } separator
            ? GrammarExpression.Repeat(GrammarExpression.Sequence(GrammarExpression.Text(separator), GrammarExpression.Rule(Call)), 0, null)
            : GrammarExpression.Empty;
        var behindOpening = GrammarExpression.Sequence(
            GrammarExpression.Rule(Call), GrammarExpression.Rule(MoreCalls), GrammarExpression.Text(syntax.End));
        var onlyCalls = GrammarExpression.Sequence(GrammarExpression.Text(syntax.Opening), behindOpening);
        if (use.Choice == ToolChoice.Required)
        {
            rules[Root] = onlyCalls;
            return Whole();
        }
        if (format is not null)
        {
            Add(format, "text: ", rules);
            rules[Root] = GrammarExpression.Choice(GrammarExpression.Rule("text: " + format.Root), onlyCalls);
            return Whole();
        }

        var sign = syntax.Sign ?? syntax.Opening;
        rules[Calls] = GrammarExpression.Sequence(GrammarExpression.Text(syntax.Opening[sign.Length..]), behindOpening);
        rules[AnyText] = GrammarExpression.Repeat(GrammarExpression.AnyBut(), 0, null);
        Rune[] runes = [.. sign.EnumerateRunes()];
        if (syntax.Sign is null)
            AddBeginning(rules, runes);
        else
            new MarkedText(sign, NameOf, Calls, mayEnd: true).AddTo(rules);
        return reasoning is null ? new GrammarDefinition(Root, rules)
            : ReasoningGrammar.BeforeText(new GrammarDefinition(Root, rules), reasoning, BehindText, runes);

        GrammarDefinition Whole()
        {
            var answer = new GrammarDefinition(Root, rules);
            return reasoning is null ? answer : ReasoningGrammar.Before(answer, reasoning);
        }

        string BehindText(Rune[] text) => syntax.Sign is not null ? new MarkedText(sign, NameOf, Calls, mayEnd: true).Behind(text)
            : !runes.AsSpan().StartsWith(text) ? AnyText
            : text.Length == runes.Length ? Calls : NameOf(text.Length);
    }

    private static GrammarExpression CallOf(ToolDefinition tool, string prefix, ToolCallSyntax syntax, Dictionary<string, GrammarExpression> rules, CancellationToken cancellationToken)
    {
        GrammarDefinition arguments;
        try
        {
            arguments = tool.Parameters is { } schema ? JsonSchemaGrammar.Of(schema, cancellationToken) : JsonGrammar.Object;
        }
        catch (GrammarException refusal)
        {
            throw new GrammarException($"the parameters of the tool '{tool.Name}' can't be held: {refusal.Message}");
        }
        Add(arguments, prefix, rules);
        return GrammarExpression.Sequence(
            GrammarExpression.Text(tool.Name + syntax.Between), GrammarExpression.Rule(prefix + arguments.Root), GrammarExpression.Text(syntax.After));
    }

    private static void Add(GrammarDefinition definition, string prefix, Dictionary<string, GrammarExpression> rules)
    {
        foreach (var (name, expression) in definition.Rules)
            rules[prefix + name] = expression.Replace(leaf => leaf is GrammarReference reference ? GrammarExpression.Rule(prefix + reference.Name) : leaf);
    }

    // Where the sign counts at the beginning only, what does not go on with it is any text.
    private static void AddBeginning(Dictionary<string, GrammarExpression> rules, Rune[] sign)
    {
        for (var matched = 0; matched < sign.Length; matched++)
        {
            var next = CharacterRange.Of(sign[matched].Value);
            rules[NameOf(matched)] = GrammarExpression.Choice(
                GrammarExpression.Empty,
                GrammarExpression.Sequence(GrammarExpression.Characters(next), GrammarExpression.Rule(matched + 1 < sign.Length ? NameOf(matched + 1) : Calls)),
                GrammarExpression.Sequence(GrammarExpression.AnyBut(next), GrammarExpression.Rule(AnyText)));
        }
    }

    // The rule for text of which some of the sign's characters stand right before.
    private static string NameOf(int matched) => matched == 0 ? Root : $"text behind {matched}";
}
