using System.Text;
using Formation.Inference.Engine.Grammars;

namespace Formation.Inference.Engine.Tools;

/// <summary>
/// Makes the grammar of an answer that may call tools: text as the model likes, but what begins like a call is one, of a tool that there is, with
/// arguments that its schema allows. Nothing follows the last call.
/// </summary>
internal static class ToolGrammar
{
    private const string Root = "answer", Call = "call", MoreCalls = "more calls", Calls = "calls", AnyText = "any text";

    /// <param name="tools">The tools that may be called, at least one.</param>
    /// <param name="syntax">How the model writes calls.</param>
    /// <param name="use">Which of them may be called, and whether one must be.</param>
    /// <param name="format">What an answer without calls must be, or null for any text.</param>
    /// <exception cref="GrammarException">There is no such tool, or the schema of one can't be held.</exception>
    /// <exception cref="OperationCanceledException">Nobody waits for it any more.</exception>
    public static GrammarDefinition Of(IReadOnlyList<ToolDefinition> tools, ToolCallSyntax syntax, ToolUse use, GrammarDefinition? format = null, CancellationToken cancellationToken = default)
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
            return new GrammarDefinition(Root, rules);
        }
        if (format is not null)
        {
            Add(format, "text: ", rules);
            rules[Root] = GrammarExpression.Choice(GrammarExpression.Rule("text: " + format.Root), onlyCalls);
            return new GrammarDefinition(Root, rules);
        }

        var sign = syntax.Sign ?? syntax.Opening;
        rules[Calls] = GrammarExpression.Sequence(GrammarExpression.Text(syntax.Opening[sign.Length..]), behindOpening);
        rules[AnyText] = GrammarExpression.Repeat(GrammarExpression.AnyBut(), 0, null);
        AddText(rules, sign, anywhere: syntax.Sign is not null);
        return new GrammarDefinition(Root, rules);
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

    // Text that does not have the sign, or has it and then goes on as calls: one rule for each number of its characters that stand right before
    // (the automaton of Knuth, Morris and Pratt). Where the sign counts at the beginning only, what does not go on with it is any text.
    private static void AddText(Dictionary<string, GrammarExpression> rules, string sign, bool anywhere)
    {
        Rune[] runes = [.. sign.EnumerateRunes()];
        CharacterRange[] own = [.. runes.Distinct().Select(rune => CharacterRange.Of(rune.Value))];
        for (var matched = 0; matched < runes.Length; matched++)
        {
            List<GrammarExpression> ways = [GrammarExpression.Empty];
            if (anywhere)
            {
                foreach (var rune in runes.Distinct())
                    ways.Add(Then(GrammarExpression.Characters(CharacterRange.Of(rune.Value)), Behind(matched, rune)));
                ways.Add(Then(GrammarExpression.AnyBut(own), NameOf(0)));
            }
            else
            {
                ways.Add(Then(GrammarExpression.Characters(CharacterRange.Of(runes[matched].Value)), NameOf(matched + 1)));
                ways.Add(Then(GrammarExpression.AnyBut(CharacterRange.Of(runes[matched].Value)), AnyText));
            }
            rules[NameOf(matched)] = GrammarExpression.Choice([.. ways]);
        }

        string Behind(int matched, Rune next)
        {
            Rune[] text = [.. runes[..matched], next];
            for (var length = text.Length; ; length--)
                if (text.AsSpan(text.Length - length).SequenceEqual(runes.AsSpan(0, length)))
                    return NameOf(length);
        }

        string NameOf(int matched) => matched == 0 ? Root : matched == runes.Length ? Calls : $"text behind {matched}";

        static GrammarExpression Then(GrammarExpression first, string rule) => GrammarExpression.Sequence(first, GrammarExpression.Rule(rule));
    }
}
