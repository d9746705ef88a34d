using Formation.Inference.Engine.Gguf;

namespace Formation.Inference.Engine.Tests.Embeddings;

/// <summary>
/// The hidden states of a Llama model in double precision, written straight from the equations, one value at a time: shares no code with the
/// engine but the reading of the file's values.
/// </summary>
internal sealed class PlainDecoder(GgufFile file)
{
    readonly int _layers = Size("block_count", file);
    readonly int _heads = Size("attention.head_count", file);
    readonly int _keyHeads = Size("attention.head_count_kv", file);
    readonly int _headSize = Size("attention.key_length", file);
    readonly double _epsilon = file.Metadata.RequireSingle("llama.attention.layer_norm_rms_epsilon");
    readonly double _ropeBase = file.Metadata.RequireSingle("llama.rope.freq_base");
    readonly Dictionary<string, double[][]> _weights = [];

    /// <summary>What the last norm gives for each token.</summary>
    public double[][] Hidden(int[] tokens)
    {
        var rows = tokens.Select(token => Matrix("token_embd.weight")[token]).ToArray();
        for (var layer = 0; layer < _layers; layer++)
        {
            var prefix = $"blk.{layer}.";
            var attended = Attend([.. rows.Select(row => Norm(row, prefix + "attn_norm.weight"))], prefix);
            rows = [.. rows.Select((row, i) => Add(row, Multiply(attended[i], prefix + "attn_output.weight")))];
            rows = [.. rows.Select(row => Add(row, FeedForward(Norm(row, prefix + "ffn_norm.weight"), prefix)))];
        }

        return [.. rows.Select(row => Norm(row, "output_norm.weight"))];
    }

    double[] FeedForward(double[] x, string prefix)
    {
        var gated = Multiply(x, prefix + "ffn_gate.weight").Select(value => value / (1 + Math.Exp(-value)));
        return Multiply([.. gated.Zip(Multiply(x, prefix + "ffn_up.weight"), (gate, up) => gate * up)], prefix + "ffn_down.weight");
    }

    double[][] Attend(double[][] x, string prefix)
    {
        var queries = x.Select((row, i) => Rotate(Multiply(row, prefix + "attn_q.weight"), i)).ToArray();
        var keys = x.Select((row, i) => Rotate(Multiply(row, prefix + "attn_k.weight"), i)).ToArray();
        var values = x.Select(row => Multiply(row, prefix + "attn_v.weight")).ToArray();
        return [.. queries.Select((query, i) => Enumerable.Range(0, _heads).SelectMany(head =>
        {
            var (own, shared) = (head * _headSize, head / (_heads / _keyHeads) * _headSize);
            var scores = Enumerable.Range(0, i + 1).Select(j =>
                Math.Exp(Enumerable.Range(0, _headSize).Sum(d => query[own + d] * keys[j][shared + d]) / Math.Sqrt(_headSize))).ToArray();
            var sum = scores.Sum();
            return Enumerable.Range(0, _headSize).Select(d => scores.Select((score, j) => score / sum * values[j][shared + d]).Sum());
        }).ToArray())];
    }

    // Llama's files have each rotating pair side by side.
    double[] Rotate(double[] x, int position)
    {
        var turned = new double[x.Length];
        for (var i = 0; i < x.Length; i += 2)
        {
            var angle = position * Math.Pow(_ropeBase, -(double)(i % _headSize) / _headSize);
            (turned[i], turned[i + 1]) =
                (x[i] * Math.Cos(angle) - x[i + 1] * Math.Sin(angle), x[i] * Math.Sin(angle) + x[i + 1] * Math.Cos(angle));
        }

        return turned;
    }

    double[] Norm(double[] x, string gain)
    {
        var scale = 1 / Math.Sqrt(x.Sum(value => value * value) / x.Length + _epsilon);
        return [.. x.Zip(Matrix(gain)[0], (value, factor) => value * scale * factor)];
    }

    double[] Multiply(double[] x, string weight) => [.. Matrix(weight).Select(row => row.Zip(x, (a, b) => a * b).Sum())];

    double[][] Matrix(string name)
    {
        if (_weights.TryGetValue(name, out var known))
            return known;
        var tensor = file.RequireTensor(name);
        var bytes = tensor.Data.Span(0, (int)tensor.Data.Length);
        var values = new double[bytes.Length / sizeof(float)];
        for (var i = 0; i < values.Length; i++)
            values[i] = BitConverter.ToSingle(bytes.Slice(i * sizeof(float), sizeof(float)));
        return _weights[name] = [.. values.Chunk((int)tensor.Dimensions[0])];
    }

    static double[] Add(double[] x, double[] y) => [.. x.Zip(y, (a, b) => a + b)];

    static int Size(string key, GgufFile file) => file.Metadata.RequireInt32("llama." + key);
}
