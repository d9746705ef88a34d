using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Embeddings;

/// <summary>Step 5 of the request path for inputs that are embedded: makes tokens of them and checks what needs the model, on the caller's thread.</summary>
internal sealed class EmbeddingEncoder(ServableModel model, int contextLength)
{
    /// <summary>The inputs' tokens, or why the request does not fit this model.</summary>
    public (int[][] Inputs, GenerationError? Error) Encode(EmbeddingRequest request, CancellationToken cancellationToken)
    {
        if (CheckModel(request) is { } unfit)
            return ([], unfit);
        var inputs = new int[request.Inputs.Count][];
        var total = 0L;
        for (var i = 0; i < inputs.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (request.Inputs[i] is TokenPrompt { TokenIds: var ids } && FirstOutside(ids) is { } outside)
                return ([], EngineErrors.TokenOutOfRange(NameOf(request, i), outside, model.Tokenizer.VocabularySize, nameof(EmbeddingRequest.Inputs)));
            inputs[i] = Tokens(request.Inputs[i], request.Truncation, cancellationToken);
            if (inputs[i].Length == 0)
                return ([], EngineErrors.EmptyInput(NameOf(request, i)));
            if (inputs[i].Length > contextLength)
                return ([], EngineErrors.InputTooLong(NameOf(request, i), inputs[i].Length, inputs[i].Length > MaxCounted, contextLength));
            total += inputs[i].Length;
            if (total > EmbeddingRequest.MaxTokens)
                return ([], EngineErrors.TooManyTokens(EmbeddingRequest.MaxTokens));
        }

        var values = ValuesOf(request, inputs);
        return values > EmbeddingRequest.MaxValues ? ([], EngineErrors.TooManyValues(values, EmbeddingRequest.MaxValues)) : (inputs, null);
    }

    /// <summary>Values that the vectors of these inputs have.</summary>
    public long ValuesOf(EmbeddingRequest request, int[][] inputs) =>
        (request.Kind == EmbeddingKind.Token ? inputs.Sum(tokens => (long)tokens.Length) : inputs.Length) * (request.Dimensions ?? Width);

    int Width => model.Pipeline.HiddenSize;

    // As for prompts: twice the context says how far an input is above it.
    int MaxCounted => (int)Math.Min(2L * contextLength, int.MaxValue);

    GenerationError? CheckModel(EmbeddingRequest request) => model.Pooling switch
    {
        Pooling.Rank => EngineErrors.ModelIsReranker(request.ModelId),
        Pooling.Unknown => EngineErrors.PoolingUnknown(request.ModelId),
        _ when request.Dimensions > Width => EngineErrors.TooManyDimensions(request.Dimensions.Value, Width),
        _ => null,
    };

    int[] Tokens(Prompt input, InputTruncation truncation, CancellationToken cancellationToken)
    {
        switch (input)
        {
            case TokenPrompt { TokenIds: var ids }:
                return Cut([.. ids], contextLength, truncation).ToArray();
            case TextPrompt { Text.Value: var text }:
                // What the vocabulary puts around a text stays when the text is cut: a model that pools its last token was trained on that one.
                var tokenizer = model.Tokenizer;
                int[] before = tokenizer.AddBos ? [tokenizer.Bos!.Value] : [];
                int[] behind = tokenizer.AddedEnd is { } end ? [end] : [];
                var most = truncation == InputTruncation.Beginning ? int.MaxValue : MaxCounted;
                var tokens = tokenizer.Encode(PromptText.Plain(text), addSpecial: false, most, cancellationToken);
                return [.. before, .. Cut(tokens, Math.Max(0, contextLength - before.Length - behind.Length), truncation), .. behind];
            default:
                throw new ArgumentException($"An input of kind {input.GetType().Name} can't be embedded.", nameof(input));
        }
    }

    static ReadOnlySpan<int> Cut(ReadOnlySpan<int> tokens, int most, InputTruncation truncation) => truncation switch
    {
        InputTruncation.End when tokens.Length > most => tokens[..most],
        InputTruncation.Beginning when tokens.Length > most => tokens[^most..],
        _ => tokens,
    };

    int? FirstOutside(IReadOnlyList<int> ids)
    {
        for (var i = 0; i < ids.Count; i++)
            if ((uint)ids[i] >= (uint)model.Tokenizer.VocabularySize)
                return ids[i];
        return null;
    }

    static string NameOf(EmbeddingRequest request, int index) => request.Inputs.Count == 1 ? "The input" : $"Input {index}";
}
