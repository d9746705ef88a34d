using Formation.Inference.Engine.Gguf;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Training.Layers;
using Formation.Inference.Training.Vocabulary;

namespace Formation.Inference.Training.Export;

/// <summary>What a model's file says about the model.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it is, in a sentence.</param>
/// <param name="License">The licence's identifier.</param>
/// <param name="LicenseName">The licence in words.</param>
/// <param name="ChatTemplate">Jinja template that makes a prompt from messages.</param>
public sealed record ModelCard(string Name, string Description, string License, string LicenseName, string ChatTemplate);

/// <summary>Writes a trained model as a GGUF file: matrices in Q8_0, gains in F32, its vocabulary and its chat template.</summary>
public static class GgufExport
{
    // Numbers of the GGUF format: a file mostly of Q8_0, the second version of quantised blocks, and the two kinds of tokens that are used.
    private const uint MostlyQ8_0 = 7;
    private const uint QuantizationVersion = 2;
    private const int NormalToken = 1;
    private const int ControlToken = 3;

    /// <summary>Rounds every matrix to what its Q8_0 form says, so that what is measured next is what the file will give.</summary>
    public static void Quantize(LanguageModel model)
    {
        foreach (var parameter in model.Parameters.Where(parameter => parameter.Value.Rows > 1))
        {
            for (var row = 0; row < parameter.Value.Rows; row++)
                Dequantizer.Row(TensorType.Q8_0, Q8_0(parameter.Value.Row(row)), parameter.Value.Row(row));
        }
    }

    /// <summary>Writes the file.</summary>
    /// <exception cref="IOException">It can't be written.</exception>
    public static void Write(string path, LanguageModel model, BytePairVocabulary vocabulary, ModelCard card)
    {
        var writer = new GgufWriter();
        AddCard(writer, model, card);
        AddShape(writer, model.Shape);
        AddTokenizer(writer, vocabulary, card);
        foreach (var parameter in model.Parameters)
            AddTensor(writer, parameter);
        writer.Write(path);
    }

    private static void AddCard(GgufWriter writer, LanguageModel model, ModelCard card)
    {
        writer.Add("general.architecture", "llama");
        writer.Add("general.type", "model");
        writer.Add("general.name", card.Name);
        writer.Add("general.description", card.Description);
        writer.Add("general.license", card.License);
        writer.Add("general.license.name", card.LicenseName);
        writer.Add("general.languages", new[] { "en" });
        writer.Add("general.parameter_count", (ulong)model.Shape.ParameterCount);
        writer.Add("general.file_type", MostlyQ8_0);
        writer.Add("general.quantization_version", QuantizationVersion);
    }

    private static void AddShape(GgufWriter writer, ModelShape shape)
    {
        writer.Add("llama.vocab_size", (uint)shape.Vocabulary);
        writer.Add("llama.context_length", (uint)shape.Context);
        writer.Add("llama.embedding_length", (uint)shape.Width);
        writer.Add("llama.block_count", (uint)shape.Blocks);
        writer.Add("llama.feed_forward_length", (uint)shape.FeedForward);
        writer.Add("llama.attention.head_count", (uint)shape.Heads);
        writer.Add("llama.attention.head_count_kv", (uint)shape.KeyHeads);
        writer.Add("llama.attention.layer_norm_rms_epsilon", shape.NormEpsilon);
        writer.Add("llama.rope.dimension_count", (uint)shape.HeadDim);
        writer.Add("llama.rope.freq_base", shape.RopeBase);
    }

    private static void AddTokenizer(GgufWriter writer, BytePairVocabulary vocabulary, ModelCard card)
    {
        var tokens = Enumerable.Range(0, vocabulary.Count).ToArray();
        var end = (uint)BytePairVocabulary.Control(BytePairVocabulary.EndOfText);
        writer.Add("tokenizer.ggml.model", "gpt2");
        writer.Add("tokenizer.ggml.pre", BytePairVocabulary.PreTokenizerName);
        writer.Add("tokenizer.ggml.tokens", tokens.Select(vocabulary.Written).ToArray());
        writer.Add(
            "tokenizer.ggml.token_type", tokens.Select(token => BytePairVocabulary.IsControl(token) ? ControlToken : NormalToken).ToArray());
        writer.Add(
            "tokenizer.ggml.merges", vocabulary.Merges.Select(m => vocabulary.Written(m.Left) + " " + vocabulary.Written(m.Right)).ToArray());
        writer.Add("tokenizer.ggml.bos_token_id", end);
        writer.Add("tokenizer.ggml.eos_token_id", (uint)BytePairVocabulary.Control(BytePairVocabulary.TurnEnd));
        writer.Add("tokenizer.ggml.unknown_token_id", end);
        writer.Add("tokenizer.ggml.padding_token_id", end);
        writer.Add("tokenizer.ggml.add_bos_token", false);
        writer.Add("tokenizer.ggml.add_eos_token", false);
        writer.Add("tokenizer.chat_template", card.ChatTemplate);
    }

    private static void AddTensor(GgufWriter writer, Parameter parameter)
    {
        var value = parameter.Value;
        if (value.Rows == 1)
        {
            writer.AddTensor(
                parameter.Name, TensorType.F32, [value.Columns], System.Runtime.InteropServices.MemoryMarshal.AsBytes(value.Values).ToArray());
            return;
        }
        writer.AddTensor(
            parameter.Name, TensorType.Q8_0, [value.Columns, value.Rows],
            stream =>
            {
                for (var row = 0; row < value.Rows; row++)
                    stream.Write(Q8_0(value.Row(row)));
            });
    }

    private static byte[] Q8_0(ReadOnlySpan<float> row)
    {
        var bytes = new byte[TensorTypeInfo.Of(TensorType.Q8_0).RowBytes(row.Length)];
        Quantizer.Row(TensorType.Q8_0, row, bytes);
        return bytes;
    }
}
