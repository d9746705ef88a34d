namespace Formation.Inference.Engine.Tokenization.Vocabularies;

/// <summary>The tokens with a part to play: those that the file names, and those that are known by their text.</summary>
internal sealed class SpecialTokens
{
    readonly HashSet<int> _endOfGeneration = [];
    readonly HashSet<int> _rendered = [];

    /// <param name="kinds">Kinds of all tokens; corrected where a token that is known as structure is marked as text.</param>
    /// <exception cref="VocabularyException">An id is not one of the vocabulary.</exception>
    public SpecialTokens(SpecialTokenIds ids, IReadOnlyDictionary<string, int> idByText, TokenKind[] kinds)
    {
        Bos = Checked(ids.Bos, "begin of text");
        Eos = Checked(ids.Eos, "end of text");
        Unknown = Checked(ids.Unknown, "unknown");
        Separator = Checked(ids.Separator, "separator");
        Padding = Checked(ids.Padding, "padding");
        Mask = Checked(ids.Mask, "mask");
        Eot = Checked(ids.Eot, "end of turn") ?? FirstOf(WellKnownTokens.EndOfTurn);
        Eom = Checked(ids.Eom, "end of message") ?? FirstOf([WellKnownTokens.EndOfMessage]);

        int?[] fillInTheMiddleEnds = ids.FillInTheMiddleEnds.Count > 0
            ? [.. ids.FillInTheMiddleEnds.Select(id => Checked(id, "fill-in-the-middle"))]
            : [.. WellKnownTokens.FillInTheMiddleEnds.Select(FirstOf)];
        _endOfGeneration.UnionWith(new[] { Eos, Eot, Eom }.Concat(fillInTheMiddleEnds).OfType<int>());

        foreach ((string text, int id) in idByText)
        {
            bool ends = WellKnownTokens.EndOfGeneration.Contains(text);
            if (ends) _endOfGeneration.Add(id);
            if (ends || WellKnownTokens.FillInTheMiddle.Contains(text)) kinds[id] = TokenKind.Control;
            if (WellKnownTokens.Harmony.Contains(text))
            {
                kinds[id] = TokenKind.Control;
                _rendered.Add(id);
            }
        }
        CorrectConversations(idByText);
        Infill = InfillMarks.Find(
            Checked(ids.FillInTheMiddlePrefix, "fill-in-the-middle prefix"), Checked(ids.FillInTheMiddleSuffix, "fill-in-the-middle suffix"),
            Checked(ids.FillInTheMiddleMiddle, "fill-in-the-middle middle"), idByText, kinds);

        int? Checked(int? id, string name) => id is null or >= 0 && id.GetValueOrDefault() < kinds.Length
            ? id
            : throw new VocabularyException($"The {name} token has the id {id}, but there are only {kinds.Length} tokens.");

        // A token that is known by its text is structure, whatever the file calls it.
        int? FirstOf(IReadOnlyList<string> texts)
        {
            foreach (string text in texts)
            {
                if (!idByText.TryGetValue(text, out int id)) continue;
                kinds[id] = TokenKind.Control;
                return id;
            }
            return null;
        }
    }

    public int? Bos { get; }

    public int? Eos { get; }

    public int? Eot { get; }

    public int? Eom { get; }

    public int? Unknown { get; }

    public int? Separator { get; }

    public int? Padding { get; }

    public int? Mask { get; }

    /// <summary>What marks the parts of a text with a gap, or null where the vocabulary has no such tokens.</summary>
    public InfillMarks? Infill { get; }

    public IReadOnlySet<int> EndOfGeneration => _endOfGeneration;

    /// <summary>True for a control token whose text belongs to the answer all the same.</summary>
    public bool IsAlwaysRendered(int id) => _rendered.Contains(id);

    /// <summary>Formats in which a message's end is not the answer's end.</summary>
    void CorrectConversations(IReadOnlyDictionary<string, int> idByText)
    {
        bool Has(string text) => idByText.ContainsKey(text);

        bool callsTools = Has("<|call|>") || Has("<|calls|>");
        if (callsTools && (Has("<|return|>") || Has("<|flush|>")) && idByText.TryGetValue("<|end|>", out int end))
        {
            _endOfGeneration.Remove(end);
            _rendered.Add(end);
        }
        if (idByText.TryGetValue("</s>", out int endOfText) && Has("<|tool_response>")) _endOfGeneration.Remove(endOfText);
    }
}
