using System.IO.Compression;
using System.Text.Json;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Tokenization;
using Formation.Inference.Engine.Tokenization.Vocabularies;

namespace Formation.Inference.Engine.Tests.Tokenization;

/// <summary>Vocabularies and ids in Golden/tokenizers, made with llama.cpp (README.md there).</summary>
public static class TokenizerGoldens
{
    static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Golden", "tokenizers");
    static readonly Lazy<GoldenIds> File = new(ReadIds);
    static readonly Dictionary<string, TokenizerDefinition> Definitions = [];

    /// <summary>Names of all vocabularies with their settings.</summary>
    public static TheoryData<string> Variants => [.. File.Value.Variants.Select(variant => variant.Name)];

    /// <summary>Names of the pre-tokenizers that have golden ids.</summary>
    public static IEnumerable<string> PreTokenizers
        => from variant in File.Value.Variants
           where variant.Settings.ContainsKey("tokenizer.ggml.pre")
           select variant.Settings["tokenizer.ggml.pre"].GetString()!;

    public static IReadOnlyList<byte[]> Texts => File.Value.Texts;

    public static GoldenPieces Pieces(string vocabulary) => File.Value.Pieces[vocabulary];

    public static (TokenizerDefinition Definition, GoldenResult Result) Variant(string name)
    {
        GoldenVariant variant = File.Value.Variants.Single(candidate => candidate.Name == name);
        TokenizerDefinition definition = Definition(variant.Vocabulary);
        foreach ((string key, JsonElement value) in variant.Settings) definition = With(definition, key, value);
        return (definition, File.Value.Results[variant.Result]);
    }

    /// <summary>One of the vocabulary files: bpe, spm or wpm.</summary>
    public static TokenizerDefinition Definition(string vocabulary)
    {
        lock (Definitions)
        {
            if (!Definitions.TryGetValue(vocabulary, out TokenizerDefinition? definition))
            {
                using TemporaryGguf file = OpenGguf(vocabulary);
                Definitions[vocabulary] = definition = GgufTokenizerReader.Read(file.Gguf.Metadata);
            }
            return definition;
        }
    }

    public static TemporaryGguf OpenGguf(string vocabulary)
    {
        string path = Path.GetTempFileName();
        using (FileStream source = System.IO.File.OpenRead(Path.Combine(Folder, vocabulary + ".gguf.gz")))
        using (var unzipped = new GZipStream(source, CompressionMode.Decompress))
        using (FileStream target = System.IO.File.Create(path))
        {
            unzipped.CopyTo(target);
        }
        return new TemporaryGguf(path);
    }

    static TokenizerDefinition With(TokenizerDefinition definition, string key, JsonElement value) => key switch
    {
        "tokenizer.ggml.pre" => definition with { PreTokenizer = value.GetString() },
        "general.name" => definition with { ModelName = value.GetString()! },
        "tokenizer.ggml.add_bos_token" => definition with { AddBos = value.GetBoolean() },
        "tokenizer.ggml.add_eos_token" => definition with { AddEos = value.GetBoolean() },
        "tokenizer.ggml.add_space_prefix" => definition with { AddSpacePrefix = value.GetBoolean() },
        "tokenizer.ggml.normalizer.lowercase" => definition with { Lowercase = value.GetBoolean() },
        "tokenizer.ggml.normalizer.strip_accents" => definition with { StripAccents = value.GetBoolean() },
        _ => throw new InvalidDataException(key),
    };

    static GoldenIds ReadIds()
    {
        using FileStream stream = System.IO.File.OpenRead(Path.Combine(Folder, "ids.json"));
        JsonElement root = JsonDocument.Parse(stream).RootElement;
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        return new GoldenIds(
            [.. root.GetProperty("texts").EnumerateArray().Select(hex => Convert.FromHexString(hex.GetString()!))],
            root.GetProperty("pieces").Deserialize<Dictionary<string, GoldenPieces>>(options)!,
            root.GetProperty("variants").Deserialize<GoldenVariant[]>(options)!,
            root.GetProperty("results").Deserialize<GoldenResult[]>(options)!);
    }

    sealed record GoldenIds(
        IReadOnlyList<byte[]> Texts, Dictionary<string, GoldenPieces> Pieces, GoldenVariant[] Variants, GoldenResult[] Results);

    sealed record GoldenVariant(string Name, string Vocabulary, Dictionary<string, JsonElement> Settings, int Result);
}

/// <summary>Ids of each text: without special tokens, and with all of them.</summary>
public sealed record GoldenResult(int[][] Plain, int[][] Special);

/// <summary>What each token of a vocabulary stands for.</summary>
public sealed record GoldenPieces(string[] Hex, int[] EndOfGeneration, int[] Control);

/// <summary>A GGUF file that is deleted afterwards.</summary>
public sealed class TemporaryGguf(string path) : IDisposable
{
    public GgufFile Gguf { get; } = GgufFile.Open(path);

    public void Dispose()
    {
        Gguf.Dispose();
        File.Delete(path);
    }
}
