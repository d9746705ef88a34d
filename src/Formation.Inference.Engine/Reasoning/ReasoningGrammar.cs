using System.Text;
using Formation.Inference.Engine.Grammars;

namespace Formation.Inference.Engine.Reasoning;

/// <summary>
/// Puts a train of thought before what a grammar says, so that only what follows it is held to a format. A thought is any text up to its end, and
/// the whole gap stands behind it: so whoever reads the answer knows where the rest begins.
/// </summary>
internal static class ReasoningGrammar
{
    private const string Start = "thought or answer", Thought = "thought";

    /// <summary>The grammar of an answer with or, unless the prompt has opened it, without a thought.</summary>
    public static GrammarDefinition Before(GrammarDefinition answer, ReasoningSyntax syntax)
    {
        var rules = new Dictionary<string, GrammarExpression>(answer.Rules, StringComparer.Ordinal);
        AddThought(rules, syntax, answer.Root);
        if (syntax.IsOpen)
            return new GrammarDefinition(NameOf(0), rules);
        rules[Start] = GrammarExpression.Choice(
            GrammarExpression.Sequence(GrammarExpression.Text(syntax.Opening), GrammarExpression.Rule(NameOf(0))), GrammarExpression.Rule(answer.Root));
        return new GrammarDefinition(Start, rules);
    }

    /// <summary>
    /// The same for an answer of any text that some of its text's own parts give another meaning (calls of tools): one that opens a thought is read
    /// as nothing else, so that nothing in a thought has a meaning.
    /// </summary>
    /// <param name="answer">The grammar of the text.</param>
    /// <param name="syntax">How a thought stands in it.</param>
    /// <param name="behind">The rule for what follows some text, which does not begin as a thought.</param>
    /// <param name="special">Characters that lead to a rule of their own anywhere in the text.</param>
    public static GrammarDefinition BeforeText(GrammarDefinition answer, ReasoningSyntax syntax, Func<Rune[], string> behind, IEnumerable<Rune> special)
    {
        if (syntax.IsOpen)
            return Before(answer, syntax);
        var rules = new Dictionary<string, GrammarExpression>(answer.Rules, StringComparer.Ordinal);
        AddThought(rules, syntax, answer.Root);
        Rune[] opening = [.. syntax.Opening.EnumerateRunes()];
        for (var matched = 0; matched < opening.Length; matched++)
        {
            Rune[] read = opening[..matched];
            Rune[] told = [.. special.Append(opening[matched]).Distinct()];
            List<GrammarExpression> ways = [GrammarExpression.Empty];
            foreach (var next in told)
                ways.Add(GrammarExpression.Sequence(
                    GrammarExpression.Characters(CharacterRange.Of(next.Value)),
                    GrammarExpression.Rule(next != opening[matched] ? behind([.. read, next]) : matched + 1 < opening.Length ? Opened(matched + 1) : NameOf(0))));
            ways.Add(GrammarExpression.Sequence(
                GrammarExpression.AnyBut([.. told.Select(rune => CharacterRange.Of(rune.Value))]), GrammarExpression.Rule(behind([.. read, Rune.ReplacementChar]))));
            rules[Opened(matched)] = GrammarExpression.Choice([.. ways]);
        }
        return new GrammarDefinition(Start, rules);

        static string Opened(int matched) => matched == 0 ? Start : $"{Start} {matched}";
    }

    private static void AddThought(Dictionary<string, GrammarExpression> rules, ReasoningSyntax syntax, string answer)
    {
        const string Gap = "behind the thought";
        rules[Gap] = GrammarExpression.Sequence(GrammarExpression.Text(syntax.Gap), GrammarExpression.Rule(answer));
        new MarkedText(syntax.Closing, NameOf, Gap, mayEnd: false).AddTo(rules);
    }

    private static string NameOf(int matched) => $"{Thought} {matched}";
}
