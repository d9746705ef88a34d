using System.Text;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Speculation.DraftModels;

/// <summary>Whether two models mean the same by their token ids.</summary>
internal static class VocabularyComparison
{
    /// <summary>
    /// Says what the first difference is, or null. Ids that one of the files marks as unused may differ, or stand in one of them only: models
    /// of a family are padded to different sizes.
    /// </summary>
    public static string? FindDifference(Tokenizer model, Tokenizer draft)
    {
        var common = Math.Min(model.VocabularySize, draft.VocabularySize);
        for (var id = 0; id < common; id++)
            if (!IsUnused(model, id) && !IsUnused(draft, id) && !model.TokenBytes(id).Span.SequenceEqual(draft.TokenBytes(id).Span))
                return $"token {id} is {Quote(model, id)} in the model and {Quote(draft, id)} in the draft model";

        var (longer, name) = model.VocabularySize > common ? (model, "the model") : (draft, "the draft model");
        for (var id = common; id < longer.VocabularySize; id++)
            if (!IsUnused(longer, id))
                return $"the model has {model.VocabularySize} tokens and the draft model {draft.VocabularySize}; "
                    + $"token {id}, {Quote(longer, id)}, is in {name} only";
        return null;
    }

    static bool IsUnused(Tokenizer tokenizer, int id) => tokenizer.Kind(id) == TokenKind.Unused;

    static string Quote(Tokenizer tokenizer, int id) => GgufLimits.Quote(Encoding.UTF8.GetString(tokenizer.TokenBytes(id).Span));
}
