using Formation.Inference.Training.Layers;

namespace Formation.Inference.Training.Tests.Layers;

/// <summary>The loss of a model in double precision, written straight from the equations, one value at a time.</summary>
internal sealed class ReferenceModel
{
    private readonly ModelShape _shape;

    public ReferenceModel(ModelShape shape, IReadOnlyList<Parameter> parameters)
    {
        _shape = shape;
        Weights = parameters.ToDictionary(p => p.Name, p => p.Value.Values.ToArray().Select(v => (double)v).ToArray());
    }

    public Dictionary<string, double[]> Weights { get; }

    public double Loss(IReadOnlyList<TrainingDocument> documents)
    {
        double loss = 0;
        var counted = 0;
        foreach (var document in documents)
        {
            var hidden = Hidden(document.Tokens[..^1]);
            for (var i = 0; i < hidden.Length; i++)
            {
                if (!document.Learn[i + 1])
                    continue;
                var logits = Multiply(Norm(hidden[i], "output_norm.weight"), "token_embd.weight", _shape.Vocabulary);
                loss += Math.Log(logits.Sum(Math.Exp)) - logits[document.Tokens[i + 1]];
                counted++;
            }
        }
        return loss / counted;
    }

    private double[][] Hidden(int[] tokens)
    {
        var hidden = tokens.Select(t => Weights["token_embd.weight"].AsSpan(t * _shape.Width, _shape.Width).ToArray()).ToArray();
        for (var block = 0; block < _shape.Blocks; block++)
        {
            var prefix = $"blk.{block}.";
            var normed = hidden.Select(x => Norm(x, prefix + "attn_norm.weight")).ToArray();
            var attended = Attend(normed, prefix);
            for (var i = 0; i < hidden.Length; i++)
                hidden[i] = Add(hidden[i], Multiply(attended[i], prefix + "attn_output.weight", _shape.Width));
            for (var i = 0; i < hidden.Length; i++)
            {
                var x = Norm(hidden[i], prefix + "ffn_norm.weight");
                var gate = Multiply(x, prefix + "ffn_gate.weight", _shape.FeedForward);
                var up = Multiply(x, prefix + "ffn_up.weight", _shape.FeedForward);
                var activated = gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u).ToArray();
                hidden[i] = Add(hidden[i], Multiply(activated, prefix + "ffn_down.weight", _shape.Width));
            }
        }
        return hidden;
    }

    private double[][] Attend(double[][] x, string prefix)
    {
        var q = x.Select((row, i) => Rotate(Multiply(row, prefix + "attn_q.weight", _shape.Width), i)).ToArray();
        var k = x.Select((row, i) => Rotate(Multiply(row, prefix + "attn_k.weight", _shape.KeyWidth), i)).ToArray();
        var v = x.Select(row => Multiply(row, prefix + "attn_v.weight", _shape.KeyWidth)).ToArray();
        var size = _shape.HeadDim;
        var output = x.Select(_ => new double[_shape.Width]).ToArray();
        for (var head = 0; head < _shape.Heads; head++)
        {
            var key = head / (_shape.Heads / _shape.KeyHeads);
            for (var i = 0; i < x.Length; i++)
            {
                var weights = new double[i + 1];
                for (var j = 0; j <= i; j++)
                {
                    double dot = 0;
                    for (var d = 0; d < size; d++)
                        dot += q[i][head * size + d] * k[j][key * size + d];
                    weights[j] = Math.Exp(dot / Math.Sqrt(size));
                }
                var sum = weights.Sum();
                for (var j = 0; j <= i; j++)
                {
                    for (var d = 0; d < size; d++)
                        output[i][head * size + d] += weights[j] / sum * v[j][key * size + d];
                }
            }
        }
        return output;
    }

    private double[] Rotate(double[] x, int position)
    {
        var size = _shape.HeadDim;
        var turned = new double[x.Length];
        for (var i = 0; i < x.Length; i += 2)
        {
            var angle = position * Math.Pow(_shape.RopeBase, -(double)(i % size) / size);
            turned[i] = x[i] * Math.Cos(angle) - x[i + 1] * Math.Sin(angle);
            turned[i + 1] = x[i] * Math.Sin(angle) + x[i + 1] * Math.Cos(angle);
        }
        return turned;
    }

    private double[] Norm(double[] x, string gain)
    {
        var scale = 1 / Math.Sqrt(x.Sum(v => v * v) / x.Length + _shape.NormEpsilon);
        return x.Zip(Weights[gain], (v, g) => v * scale * g).ToArray();
    }

    private double[] Multiply(double[] x, string weight, int outputs)
    {
        var w = Weights[weight];
        var result = new double[outputs];
        for (var o = 0; o < outputs; o++)
        {
            for (var i = 0; i < x.Length; i++)
                result[o] += w[o * x.Length + i] * x[i];
        }
        return result;
    }

    private static double[] Add(double[] x, double[] y) => x.Zip(y, (a, b) => a + b).ToArray();
}
