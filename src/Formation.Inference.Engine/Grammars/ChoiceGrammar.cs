namespace Formation.Inference.Engine.Grammars;

/// <summary>Grammars of a list of texts.</summary>
public static class ChoiceGrammar
{
    /// <summary>Texts at most: half of the ways in which a <see cref="GrammarMatcher"/> reads a text at most.</summary>
    public const int MostTexts = GrammarMatcher.MostReadings / 2;

    /// <summary>Exactly one of some texts.</summary>
    /// <exception cref="GrammarException">There are none, or more than <see cref="MostTexts"/>.</exception>
    public static GrammarDefinition Of(IReadOnlyList<string> texts)
    {
        if (texts.Count is 0 or > MostTexts)
            throw new GrammarException($"a choice has {texts.Count} texts; 1 to {MostTexts} are allowed");
        return GrammarDefinition.Of(GrammarExpression.Choice([.. texts.Distinct(StringComparer.Ordinal).Select(GrammarExpression.Text)]));
    }
}
