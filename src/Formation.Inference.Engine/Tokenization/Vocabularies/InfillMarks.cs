namespace Formation.Inference.Engine.Tokenization.Vocabularies;

/// <summary>The tokens that mark the parts of a text with a gap, for a model that fills it.</summary>
/// <param name="Prefix">Stands before what comes before the gap.</param>
/// <param name="Suffix">Stands before what comes behind the gap.</param>
/// <param name="Middle">Stands before what fills the gap, at the prompt's end; null where nothing does.</param>
/// <param name="IsSuffixFirst">Whether what comes behind the gap is read first.</param>
/// <param name="Ends">Tokens that no filling holds, so that it ends there, besides those at which all generation ends.</param>
internal sealed record InfillMarks(int Prefix, int Suffix, int? Middle, bool IsSuffixFirst, IReadOnlyList<int> Ends)
{
    /// <summary>The tokens that the file names, or else those of the first family whose texts the vocabulary has; null where there are none.</summary>
    /// <param name="prefix">The file's own prefix token, or null; so the next two.</param>
    /// <param name="kinds">Kinds of all tokens; those of the marks become control tokens.</param>
    public static InfillMarks? Find(int? prefix, int? suffix, int? middle, IReadOnlyDictionary<string, int> idByText, TokenKind[] kinds)
    {
        var isNamed = prefix is not null && suffix is not null;
        InfillFamily? family = InfillFamily.All.FirstOrDefault(isNamed ? candidate => IdOf(candidate.Prefix) == prefix : IsWhole);
        if (!isNamed)
        {
            if (family is null) return null;
            (prefix, suffix, middle) = (IdOf(family.Prefix), IdOf(family.Suffix), null);
        }
        if (family is not { Middle: null })
        {
            middle ??= IdOf(family?.Middle) ?? InfillFamily.All.Select(candidate => IdOf(candidate.Middle)).FirstOrDefault(id => id is not null);
            if (middle is null) return null;
        }

        int[] marks = [.. new[] { prefix, suffix, middle }.OfType<int>()];
        foreach (int mark in marks) kinds[mark] = TokenKind.Control;
        return new InfillMarks(
            prefix!.Value, suffix!.Value, middle, family?.IsSuffixFirst ?? false,
            [.. marks.Concat(WellKnownTokens.GapEnds.Select(IdOf).OfType<int>()).Distinct()]);

        int? IdOf(string? text) => text is not null && idByText.TryGetValue(text, out int id) ? id : null;

        bool IsWhole(InfillFamily candidate) =>
            candidate.Marks.All(text => IdOf(text) is { } id && (candidate.IsKnownByTexts || kinds[id] == TokenKind.Control));
    }
}
