using Formation.Inference.Engine.Gguf;
using Formation.Inference.Kernels.Dispatch;

namespace Formation.Inference.Cli.Bench;

/// <summary>What a step of decoding reads of a model's file: the limit that memory sets.</summary>
/// <param name="Formats">Formats of the matrices, the one with the most bytes first.</param>
/// <param name="BytesPerStep">Bytes of all weights that a step reads, once for all sequences; keys and values come on top.</param>
sealed record WeightTraffic(IReadOnlyList<WeightFormat> Formats, long BytesPerStep)
{
    public static WeightTraffic Of(GgufFile file)
    {
        // Of an embedding that is not the output head too, a step reads a row for each sequence.
        var isTied = file.FindTensor("output.weight") is null;
        var read = file.Tensors.Where(tensor => isTied || tensor.Name != "token_embd.weight").ToArray();
        var formats = read.Where(tensor => tensor.Dimensions.Count > 1)
            .GroupBy(tensor => tensor.Type)
            .Select(group => new WeightFormat(group.Key.ToString(), group.Sum(tensor => tensor.Data.Length), LinearKernels.Of(group.Key).Description))
            .OrderByDescending(format => format.Bytes);
        return new WeightTraffic([.. formats], read.Sum(tensor => tensor.Data.Length));
    }

    /// <summary>The share of a bandwidth at which steps read their weights.</summary>
    /// <param name="tokensPerSecond">Of all sequences together.</param>
    /// <param name="sequences">Sequences in a step.</param>
    /// <param name="bytesPerSecond">The bandwidth.</param>
    public double ShareOf(double bytesPerSecond, double tokensPerSecond, int sequences) =>
        BytesPerStep * (tokensPerSecond / sequences) / bytesPerSecond;
}

/// <summary>How many bytes of weights a step reads in a storage format, and what multiplies them.</summary>
sealed record WeightFormat(string Format, long Bytes, string Kernel);
