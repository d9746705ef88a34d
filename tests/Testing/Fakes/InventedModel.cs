using Formation.Inference.Engine.Embeddings;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Engine.Templates;
using Formation.Inference.Engine.Tokenization;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Testing.Fakes;

/// <summary>An invented model with a real tokenizer, ready to be served: its tokens are a fixed function of its history.</summary>
public sealed class InventedModel
{
    const int Vocabulary = 300;

    /// <param name="blockCount">KV blocks of 16 positions.</param>
    /// <param name="contextLength">The model's context.</param>
    /// <param name="maxRows">Rows of the largest batch.</param>
    /// <param name="stage">The stage to compute on instead of <see cref="Stage"/>.</param>
    /// <param name="pooling">How it makes a vector of hidden states.</param>
    /// <param name="template">Its chat template.</param>
    public InventedModel(
        int blockCount = 64, int contextLength = 1024, int maxRows = 1024, IModelStage? stage = null, Pooling pooling = Pooling.Mean,
        string template = TinyModel.ChatMlTemplate)
    {
        var names = new TinyVocabulary(Vocabulary);
        Stage = new InventedStage(blockCount);
        Head = new InventedHead(Vocabulary);
        Tokenizer = Tokenizer.Create(new TokenizerDefinition
        {
            Model = "gpt2",
            PreTokenizer = "llama-bpe",
            Tokens = names.Tokens,
            Merges = names.Merges,
            Kinds = [.. names.TokenTypes.Select(type => (TokenKind)type)],
            SpecialTokens = new SpecialTokenIds { Bos = names.BosId, Eos = names.EosId, Eot = names.ImEndId, Padding = names.PadId },
            AddBos = true,
        });
        Servable = new ServableModel
        {
            Tokenizer = Tokenizer,
            Template = ChatTemplate.Compile(template),
            Pipeline = new Pipeline(Head, [stage ?? Stage], maxRows),
            Pooling = pooling,
            ContextLength = contextLength,
            BlockCount = blockCount,
            BlockSize = InventedStage.DefaultBlockSize,
            MemoryBytes = 1,
        };
    }

    public InventedStage Stage { get; }

    public InventedHead Head { get; }

    public Tokenizer Tokenizer { get; }

    public ServableModel Servable { get; }

    /// <summary>What the last norm gives for each token of an input, computed with no engine: the parts of the histories' hashes.</summary>
    public List<float[]> Hidden(IEnumerable<int> input)
    {
        var (hash, rows) = (InventedHead.EmptyHash, new List<float[]>());
        foreach (var token in input)
        {
            hash = InventedHead.Extend(hash, token);
            rows.Add(new float[Head.HiddenSize]);
            InventedHead.WriteHash(hash, rows[^1]);
        }

        return rows;
    }

    /// <summary>The tokens that greedy decoding gives after a prompt, computed with no engine: up to a number, or to the end of generation.</summary>
    public List<int> Greedy(IEnumerable<int> prompt, int maxTokens)
    {
        var hash = prompt.Aggregate(InventedHead.EmptyHash, InventedHead.Extend);
        var tokens = new List<int>();
        while (tokens.Count < maxTokens)
        {
            var logits = Head.LogitsOf(hash);
            tokens.Add(Array.IndexOf(logits, logits.Max()));
            if (Tokenizer.IsEndOfGeneration(tokens[^1]))
                break;
            hash = InventedHead.Extend(hash, tokens[^1]);
        }

        return tokens;
    }
}
