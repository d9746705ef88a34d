namespace Formation.Inference.Engine.Grammars;

/// <summary>A context-free grammar: rules by name, one of them for the whole text.</summary>
/// <param name="Root">The name of that one.</param>
/// <param name="Rules">What each says.</param>
public sealed record GrammarDefinition(string Root, IReadOnlyDictionary<string, GrammarExpression> Rules)
{
    /// <summary>A grammar of one rule.</summary>
    public static GrammarDefinition Of(GrammarExpression expression) =>
        new("root", new Dictionary<string, GrammarExpression>(StringComparer.Ordinal) { ["root"] = expression });
}
