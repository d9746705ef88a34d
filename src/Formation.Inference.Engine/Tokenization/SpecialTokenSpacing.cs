using Formation.Inference.Engine.Tokenization.Vocabularies;

namespace Formation.Inference.Engine.Tokenization;

/// <summary>
/// Special tokens that swallow the white space behind them. GGUF files don't say which do; as in the reference, the Phi-3 models are
/// known by their name.
/// </summary>
internal sealed class SpecialTokenSpacing
{
    static readonly string[] KeepSpace = ["<unk>", "<s>", "<|endoftext|>"];

    readonly bool _swallows;
    readonly HashSet<int> _keep;

    public SpecialTokenSpacing(Vocabulary vocabulary, string modelName)
    {
        _swallows = new[] { "phi-3", "phi3" }.Any(name => modelName.Contains(name, StringComparison.OrdinalIgnoreCase));
        _keep = [.. KeepSpace.Select(vocabulary.Find).OfType<int>()];
    }

    /// <summary>Where the text goes on behind a special token.</summary>
    public int StartAfter(ReadOnlySpan<byte> text, SpecialMatch special)
    {
        int start = special.End;
        if (!_swallows || _keep.Contains(special.Id)) return start;
        int skipped = text[start..].IndexOfAnyExcept(" \t\n\v\f\r"u8);
        return skipped < 0 ? text.Length : start + skipped;
    }
}
