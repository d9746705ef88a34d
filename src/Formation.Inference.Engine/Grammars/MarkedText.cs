using System.Text;

namespace Formation.Inference.Engine.Grammars;

/// <summary>
/// Rules for text up to the first place where it has a mark: one for each number of the mark's characters that stand right before (the automaton of
/// Knuth, Morris and Pratt).
/// </summary>
/// <param name="mark">The mark, at least one character.</param>
/// <param name="name">The name of the rule for text of which some of the mark's characters were read.</param>
/// <param name="behind">The rule for what follows the mark.</param>
/// <param name="mayEnd">Whether the text may end without a mark.</param>
internal sealed class MarkedText(string mark, Func<int, string> name, string behind, bool mayEnd)
{
    private readonly Rune[] _mark = [.. mark.EnumerateRunes()];

    /// <summary>Adds the rules.</summary>
    public void AddTo(Dictionary<string, GrammarExpression> rules)
    {
        CharacterRange[] own = [.. _mark.Distinct().Select(rune => CharacterRange.Of(rune.Value))];
        for (var matched = 0; matched < _mark.Length; matched++)
        {
            List<GrammarExpression> ways = mayEnd ? [GrammarExpression.Empty] : [];
            foreach (var rune in _mark.Distinct())
                ways.Add(Then(CharacterRange.Of(rune.Value), Behind([.. _mark[..matched], rune])));
            ways.Add(GrammarExpression.Sequence(GrammarExpression.AnyBut(own), GrammarExpression.Rule(name(0))));
            rules[name(matched)] = GrammarExpression.Choice([.. ways]);
        }
    }

    /// <summary>The rule for what follows a text that has the mark at its end or nowhere.</summary>
    public string Behind(ReadOnlySpan<Rune> text)
    {
        for (var length = Math.Min(text.Length, _mark.Length); ; length--)
            if (text[^length..].SequenceEqual(_mark.AsSpan(0, length)))
                return length == _mark.Length ? behind : name(length);
    }

    private static GrammarExpression Then(CharacterRange first, string rule) =>
        GrammarExpression.Sequence(GrammarExpression.Characters(first), GrammarExpression.Rule(rule));
}
