using Formation.Inference.Engine.Gguf;

namespace Formation.Inference.Engine.Tokenization.Vocabularies;

/// <summary>Takes a tokenizer's definition out of the metadata of a GGUF file.</summary>
internal static class GgufTokenizerReader
{
    const string Prefix = "tokenizer.ggml.";

    /// <exception cref="GgufException">A key is missing or of the wrong type.</exception>
    /// <exception cref="VocabularyException">There are more tokens or merges than any vocabulary has.</exception>
    public static TokenizerDefinition Read(GgufMetadata metadata)
    {
        GgufArray tokens = metadata.RequireStrings(Prefix + "tokens");
        VocabularyLimits.CheckCount("tokens", tokens.Count, VocabularyLimits.MaximumTokens);
        GgufArray? merges = metadata.FindStrings(Prefix + "merges");
        VocabularyLimits.CheckCount("merges", merges?.Count ?? 0, VocabularyLimits.MaximumMerges);
        VocabularyLimits.CheckLengths("tokens", tokens, VocabularyLimits.MaximumTokenBytes, VocabularyLimits.MaximumTextBytes);
        if (merges is not null)
            VocabularyLimits.CheckLengths("merges", merges, 2 * VocabularyLimits.MaximumTokenBytes + 1, VocabularyLimits.MaximumMergeBytes);

        return new TokenizerDefinition
        {
            Model = metadata.RequireString(Prefix + "model"),
            PreTokenizer = metadata.FindString(Prefix + "pre"),
            Tokens = tokens.ToStrings(),
            Kinds = ReadKinds(metadata, tokens.Count),
            Scores = ReadScores(metadata, tokens.Count),
            Merges = merges?.ToStrings(),
            SpecialTokens = new SpecialTokenIds
            {
                Bos = Id("bos_token_id"),
                Eos = Id("eos_token_id"),
                Eot = Id("eot_token_id"),
                Eom = Id("eom_token_id"),
                Unknown = Id("unknown_token_id"),
                Separator = Id("seperator_token_id"), // the format's own spelling
                Padding = Id("padding_token_id"),
                Mask = Id("mask_token_id"),

                // Older converters name these tokens without saying what they are for.
                FillInTheMiddlePrefix = Id("fim_pre_token_id") ?? Id("prefix_token_id"),
                FillInTheMiddleSuffix = Id("fim_suf_token_id") ?? Id("suffix_token_id"),
                FillInTheMiddleMiddle = Id("fim_mid_token_id") ?? Id("middle_token_id"),
                FillInTheMiddleEnds = [.. new[] { Id("fim_pad_token_id"), Id("fim_rep_token_id"), Id("fim_sep_token_id") }.OfType<int>()],
            },
            AddBos = metadata.FindBoolean(Prefix + "add_bos_token"),
            AddEos = metadata.FindBoolean(Prefix + "add_eos_token"),
            AddSpacePrefix = metadata.FindBoolean(Prefix + "add_space_prefix"),
            Lowercase = metadata.FindBoolean(Prefix + "normalizer.lowercase"),
            StripAccents = metadata.FindBoolean(Prefix + "normalizer.strip_accents"),
            ModelName = metadata.GetString("general.name", ""),
        };

        // Some files say "none" with -1 as an unsigned number.
        int? Id(string key) => metadata.FindInteger(Prefix + key, -1, uint.MaxValue) switch
        {
            null or -1 or uint.MaxValue => null,
            long id when id < tokens.Count => (int)id,
            long id => throw new VocabularyException($"{Prefix}{key} is {id}, but there are only {tokens.Count} tokens."),
        };
    }

    static TokenKind[]? ReadKinds(GgufMetadata metadata, int count)
    {
        const string Key = Prefix + "token_type";
        if (metadata.FindArray(Key) is not { } array) return null;
        VocabularyLimits.CheckSameCount(Key, array.Count, count);
        return Array.ConvertAll(array.ToInt32s(), kind => (TokenKind)kind);
    }

    static float[]? ReadScores(GgufMetadata metadata, int count)
    {
        const string Key = Prefix + "scores";
        if (metadata.FindArray(Key) is not { } array) return null;
        VocabularyLimits.CheckSameCount(Key, array.Count, count);
        return array.ElementType == GgufValueType.Int32 ? Array.ConvertAll(array.ToInt32s(), score => (float)score) : array.ToSingles();
    }
}
