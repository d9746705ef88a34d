namespace Formation.Inference.Gateway.HuggingFace.Tokens;

/// <summary>A token of a text, as Text Generation Inference tells it.</summary>
/// <param name="Id">Index in the vocabulary.</param>
/// <param name="Text">The part of the text that it stands for.</param>
/// <param name="Start">Where that begins in the text, in bytes of UTF-8.</param>
/// <param name="Stop">Where it ends; the same where the token is no part of the text.</param>
internal sealed record SimpleToken(int Id, string Text, int Start, int Stop);

/// <summary>The answer of <c>POST /chat_tokenize</c>.</summary>
/// <param name="TokenizeResponse">The tokens.</param>
/// <param name="TemplatedText">The conversation as the model's template writes it, with the names of control tokens.</param>
internal sealed record ChatTokenizeResponse(IReadOnlyList<SimpleToken> TokenizeResponse, string TemplatedText);

/// <summary>A token of a text, as Text Embeddings Inference tells it.</summary>
/// <param name="Id">Index in the vocabulary.</param>
/// <param name="Text">The part of the text that it stands for, or a special one's name.</param>
/// <param name="Special">Whether it is structure rather than text.</param>
/// <param name="Start">Where it begins in the text, in bytes of UTF-8; null for a special one.</param>
/// <param name="Stop">Where it ends.</param>
internal sealed record SpecialToken(int Id, string Text, bool Special, int? Start, int? Stop);
