using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Engine.Gguf;

/// <summary>
/// What a person wants to know of a model file before loading it. Made for any architecture and for files without tensors; a value that the
/// file lacks, or has in an odd form, is null rather than an error.
/// </summary>
public sealed record GgufSummary
{
    private const int LongestText = 200;

    /// <summary>What the file calls its architecture.</summary>
    public required string? Architecture { get; init; }

    /// <summary>What the file calls the model.</summary>
    public required string? Name { get; init; }

    /// <summary>Licence that the file names.</summary>
    public required string? License { get; init; }

    /// <summary>Version of the format.</summary>
    public required uint FormatVersion { get; init; }

    /// <summary>Files that the model is split into.</summary>
    public required int Files { get; init; }

    /// <summary>Bytes of all files.</summary>
    public required long FileBytes { get; init; }

    /// <summary>Values in all tensors.</summary>
    public required long Parameters { get; init; }

    /// <summary>Number of tensors; 0 for a file that holds a vocabulary only.</summary>
    public required int Tensors { get; init; }

    /// <summary>Positions that the model was trained for.</summary>
    public required long? ContextLength { get; init; }

    /// <summary>Transformer layers.</summary>
    public required long? Layers { get; init; }

    /// <summary>Width of a row of hidden states.</summary>
    public required long? HiddenSize { get; init; }

    /// <summary>Query heads; of the first layer where layers differ.</summary>
    public required long? Heads { get; init; }

    /// <summary>Key and value heads; of the first layer where layers differ.</summary>
    public required long? KvHeads { get; init; }

    /// <summary>Number of token ids.</summary>
    public required long? VocabularySize { get; init; }

    /// <summary>Kind of tokenizer: gpt2, llama, bert.</summary>
    public required string? Tokenizer { get; init; }

    /// <summary>Rule by which text is cut into words.</summary>
    public required string? PreTokenizer { get; init; }

    /// <summary>Whether the file has a chat template.</summary>
    public required bool HasChatTemplate { get; init; }

    /// <summary>How the values are stored, the format of the most bytes first.</summary>
    public required IReadOnlyList<GgufTypeShare> Types { get; init; }

    /// <summary>What running it takes, or null where the file does not say enough.</summary>
    public required GgufMemoryEstimate? Memory { get; init; }

    /// <summary>Summarises an open file.</summary>
    public static GgufSummary Of(GgufFile file)
    {
        var reader = new LenientMetadata(file.Metadata);
        var architecture = reader.Text("general.architecture");
        string Key(string name) => $"{architecture}.{name}";
        var vocabulary = reader.Count("tokenizer.ggml.tokens")
            ?? reader.Number(Key("vocab_size"))
            ?? (file.FindTensor("token_embd.weight") is { Dimensions: [_, var rows] } ? rows : null);

        return new GgufSummary
        {
            Architecture = Printable(architecture),
            Name = Printable(reader.Text("general.name")),
            License = Printable(reader.Text("general.license")),
            FormatVersion = file.Version,
            Files = file.Paths.Count,
            FileBytes = file.Length,
            Parameters = file.Tensors.Sum(tensor => tensor.ElementCount),
            Tensors = file.Tensors.Count,
            ContextLength = reader.Number(Key("context_length")),
            Layers = reader.Number(Key("block_count")),
            HiddenSize = reader.Number(Key("embedding_length")),
            Heads = reader.Number(Key("attention.head_count")),
            KvHeads = reader.Number(Key("attention.head_count_kv")) ?? reader.Number(Key("attention.head_count")),
            VocabularySize = vocabulary,
            Tokenizer = Printable(reader.Text("tokenizer.ggml.model")),
            PreTokenizer = Printable(reader.Text("tokenizer.ggml.pre")),
            HasChatTemplate = reader.Text("tokenizer.chat_template") is not null,
            Types = TypesOf(file.Tensors),
            Memory = GgufMemoryEstimate.Of(file.Tensors, reader, Key, vocabulary),
        };
    }

    private static GgufTypeShare[] TypesOf(IReadOnlyList<GgufTensor> tensors)
    {
        var total = tensors.Sum(tensor => tensor.Data.Length);
        return
        [
            .. tensors.GroupBy(tensor => tensor.Type)
                .Select(group =>
                {
                    var bytes = group.Sum(tensor => tensor.Data.Length);
                    var parameters = group.Sum(tensor => tensor.ElementCount);
                    return new GgufTypeShare(group.Key, group.Count(), parameters, bytes, (double)bytes / total);
                })
                .OrderByDescending(share => share.Bytes)
                .ThenBy(share => share.Type),
        ];
    }

    /// <summary>A file's text as a terminal may show it.</summary>
    private static string? Printable(string? text) =>
        text is null ? null : string.Concat(text.Take(LongestText).Select(character => char.IsControl(character) ? ' ' : character));

    /// <summary>Metadata read without errors: what is missing or odd is null.</summary>
    internal sealed class LenientMetadata(GgufMetadata metadata)
    {
        // Far above any model, and small enough that the estimate's products fit 128 bits.
        private const long Largest = int.MaxValue;

        public string? Text(string key) => metadata.TypeOf(key) == GgufValueType.String ? metadata.FindString(key) : null;

        public long? Count(string key) => metadata.TypeOf(key) == GgufValueType.Array ? metadata.FindArray(key)!.Count : null;

        /// <summary>A number, or the first of an array with one for each layer.</summary>
        public long? Number(string key) => Number(key, 0);

        /// <summary>A number, or the one for a layer.</summary>
        public long? Number(string key, int layer)
        {
            if (metadata.TypeOf(key) is not { } type)
                return null;
            long? value = null;
            if (type.IsInteger)
                value = metadata[key].Bits;
            else if (type == GgufValueType.Array && metadata.FindArray(key) is { ElementType.IsInteger: true } array && layer < array.Count)
                value = array.IntegerBits(layer);
            return value is >= 0 and <= Largest ? value : null;
        }
    }
}

/// <summary>How much of a model is stored in one format.</summary>
/// <param name="Tensors">Number of tensors.</param>
/// <param name="Parameters">Values in them.</param>
/// <param name="Bytes">Bytes of them.</param>
/// <param name="Share">Their part of all tensors' bytes, from 0 to 1.</param>
public sealed record GgufTypeShare(TensorType Type, int Tensors, long Parameters, long Bytes, double Share);
