namespace Formation.Inference.Engine.Tokenization.PreTokenizers;

/// <summary>What the name of a pre-tokenizer says about the vocabulary beside the splitting rule.</summary>
/// <param name="IgnoresMerges">A word that is a token as a whole is that token, also where merges would not lead there.</param>
/// <param name="AddsBos">The default where the file has no <c>tokenizer.ggml.add_bos_token</c>.</param>
internal readonly record struct PreTokenizerTraits(bool IgnoresMerges = false, bool AddsBos = false);
